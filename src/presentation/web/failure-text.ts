/** A failure in words: what happened, and what a person can do about it. */
export interface FailureText {
  readonly title: string;
  readonly advice: string;
}

const TEXTS: Readonly<Record<string, FailureText>> = {
  LLM_UNAVAILABLE: {
    title: "The model could not be reached",
    advice: "Send the message again in a moment. If it goes on, check the model's address.",
  },
  LLM_RATE_LIMITED: {
    title: "The model asks for a pause",
    advice: "Wait a minute, then send the message again.",
  },
  LLM_UNAUTHORIZED: {
    title: "The model refused the key",
    advice: "The operator has to set a valid API key.",
  },
  LLM_REFUSED: {
    title: "The model refused the request",
    advice: "Check that the model's name is right, or put it another way.",
  },
  LLM_NOT_ALLOWED: {
    title: "This model may not be chosen any more",
    advice: "Choose another model below, then send the message again.",
  },
  LLM_TIMEOUT: {
    title: "The model did not answer in time",
    advice: "Send the message again.",
  },
  LLM_BAD_ANSWER: {
    title: "The model's answer was cut off or unreadable",
    advice: "Send the message again.",
  },
  SANDBOX_UNAVAILABLE: {
    title: "The sandbox could not be started",
    advice: "The operator can find the reason with: nexflow doctor",
  },
  TURN_CRASHED: {
    title: "The answer was begun several times and never finished",
    advice: "Send the message again, or put it another way.",
  },
  overloaded: {
    title: "The server is busy",
    advice: "Nothing to do: the message is sent as soon as there is room.",
  },
  conflict: {
    title: "This message collides with an earlier one",
    advice: "Discard it and write it again.",
  },
  "not-found": {
    title: "This conversation no longer exists",
    advice: "Discard the message, or send it in a new conversation.",
  },
  unreachable: {
    title: "The server cannot be reached",
    advice: "Check that Nexflow runs and that you are on its network.",
  },
  "rate-limited": {
    title: "Too much at once",
    advice: "Wait a minute, then try again.",
  },
  unauthorized: {
    title: "This token is not valid",
    advice: "Copy it again from the login link that Nexflow printed.",
  },
};

/** The words for error `code`; one that is new to the page shows the server's own `message`. */
export function toFailureText(code: string, message: string): FailureText {
  return (
    TEXTS[code] ?? {
      title: message,
      advice: "Send the message again; the server's log has details.",
    }
  );
}

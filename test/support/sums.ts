/** Questions that the calculator skill answers, each another one. */
export function createSums(): () => string {
  let count = 0;
  return () => `/calculator ${++count}+1`;
}

/** The sum, or that a machine which does too much at once had no process for it. */
export function isSumOf(question: string, answer: string): boolean {
  const number = Number(/\d+/u.exec(question)?.[0]);
  return answer === `${number}+1 = ${number + 1}` || answer.includes("(queue-time)");
}

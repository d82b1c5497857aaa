/**
 * Characters that nobody sees, or that turn around how others are seen: texts hide orders to models
 * in them, or look like what they are not. Tab and line feed are none of them.
 */
const UNSEEN =
  /(?![\t\n])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/gu;

/** The text without them. */
export function dropUnseen(text: string): string {
  return text.replaceAll(UNSEEN, "");
}

/** JSON in which nothing hides: they are written as escapes. */
export function escapeUnseen(json: string): string {
  return json.replaceAll(UNSEEN, (unseen) =>
    Array.from({ length: unseen.length }, (_, at) => unseen.charCodeAt(at))
      .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

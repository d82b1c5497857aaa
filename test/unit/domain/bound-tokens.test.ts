import { countTokens as countOld } from "gpt-tokenizer/encoding/cl100k_base";
import { countTokens as countNew } from "gpt-tokenizer/encoding/o200k_base";
import { describe, test } from "vitest";
import { boundTokens } from "#domain/spend/bound-tokens.ts";
import { createRandom } from "../../support/seeded-random.ts";
import { quickestMs } from "../../support/timings.ts";

/** What is set aside is this much more. */
const MARGIN = 1.25;

const JSON_ROWS = Array.from({ length: 20 }, (_, id) => ({ id, name: `x${id}`, v: [1, 2, 3] }));

const TEXTS: Readonly<Record<string, string>> = {
  English: "Whoever opens something closes it as well; every wait has an end, and none is long. ",
  code: "export function sum(items: readonly number[]) {\n  return items.reduce((a, b) => a + b, 0);\n}\n",
  JSON: JSON.stringify(JSON_ROWS),
  list: "\n- a\n- b\n\n1. one\n2. two\n",
  digits: "314159265358979323846264338327950288419716939937",
  "digits apart": "1 2 3 4 5 6 7 8 9 0 ",
  signs: "}{][)(*&^%$#@!~|;:<>,./?",
  German: "Wer etwas öffnet, schließt es auch; jedes Warten hat ein Ende. ",
  Vietnamese: "Ai mở một thứ gì thì cũng đóng nó lại; mọi sự chờ đợi đều có kết thúc. ",
  Russian: "Кто что-то открывает, тот это и закрывает; всякое ожидание имеет конец. ",
  Greek: "Όποιος ανοίγει κάτι το κλείνει κιόλας· κάθε αναμονή έχει τέλος. ",
  Hebrew: "מי שפותח משהו גם סוגר אותו; לכל המתנה יש סוף. ",
  Arabic: "من يفتح شيئًا يغلقه أيضًا؛ ولكل انتظار نهاية. ",
  Hindi: "जो कुछ खोलता है, वही उसे बंद भी करता है; हर प्रतीक्षा का अंत होता है। ",
  Thai: "ใครเปิดอะไรก็ต้องปิดด้วย การรอคอยทุกครั้งมีจุดสิ้นสุด ",
  Georgian: "ვინც რამეს ხსნის, ის ხურავს კიდეც; ყოველ ლოდინს აქვს დასასრული. ",
  Amharic: "አንድ ነገር የሚከፍት ሰው ይዘጋዋል፤ እያንዳንዱ መጠበቅ መጨረሻ አለው። ",
  Chinese: "谁打开了东西，谁就要把它关上；每一次等待都有尽头。",
  "traditional Chinese":
    "誰打開了東西，誰就要把它關上；龜裂的牆壁很難修補，臺灣的憂鬱症患者們也覺得。",
  "old Chinese": "魑魅魍魎，饕餮貔貅，耄耋之年，踽踽獨行，躑躅徬徨。",
  Japanese:
    "何かを開いた人は、それを閉じます。コンピューターのプログラムを書く時間にも終わりがあります。",
  Korean: "무언가를 연 사람이 그것을 닫아야 합니다. 모든 기다림에는 끝이 있습니다. ",
  emoji: "😀😂🥰🎉🚀🔥👍❤️🙏✨",
  "families and flags": "👨‍👩‍👧‍👦👩🏽‍🚀🏳️‍🌈🧑🏿‍🤝‍🧑🏻🇩🇪🇯🇵🇧🇷🇺🇦",
  mathematics: "∑∫∂√∞≈≠≤≥±×÷∈∉⊂⊃∪∩∀∃",
  boxes: "┌─┐│└┘├┤┬┴┼═║╔╗╚╝",
  base64: Buffer.from(randomBytes(1_500)).toString("base64"),
  hex: Buffer.from(randomBytes(500)).toString("hex"),
};

/** Made to take many tokens for what they look like. */
const HOSTILE: Readonly<Record<string, string>> = {
  "control characters": "\u0001\u0002",
  "one control character": "\u0001",
  "carriage returns": "\r",
  "form feeds": "\f\v",
  "deleted characters": "\u007f",
  "blank lines": "\n",
  tabs: "\t",
  spaces: " ",
  "spaces and tabs": " \t",
  "all that is blank": " \n\t\r ",
  "a word in each line": "\nx",
  "capitals in words": "QXZJVKWPQXZJ ",
  "capitals without spaces": "QXZJVKWPQXZJ",
  "letters without vowels": "qxzjvkwpqxzj ",
  "letters with vowels": "qaxezijovukwy ",
  "capitals and small ones": "QzXjVkWp ",
  "letters and digits": "q1x2z3",
  "letters and signs": "q]x^z`",
  "signs that go with no other": "]`^~",
  "rare Cyrillic": "\u0460\u0481\u04d2\u052f",
  "rare Latin": "\u0180\u01ff\u024f",
  "rare Greek": "\u0370\u03ff",
  "rare Arabic": "\u0750\u08a0\u06ff",
  "rare Chinese": "\u9c40\u9ea4\u3400",
  "rare Korean": "\ud790\uaff5",
  "rare signs": "\u2300\u2a00\u2fff",
  hieroglyphs: "\u{13000}\u{12345}",
};

const ALPHABETS = [
  "abcdefghijklmnopqrstuvwxyz",
  "qxzjvkwpy",
  "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  "QXZJVKWP",
  "0123456789",
  " \t\n\r",
  "\u0000\u0001\u0007\u000b\u000c\u001b\u007f",
  "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
  "äöüßéèñçøåł",
  "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГД",
  "αβγδεζηθικλμνξοπρστυφχψω",
  "אבגדהוזחטיכלמנסעפצקרשת",
  "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
  "的一是不了人我在有他这中大来上国",
  "あいうえおかきくけこアイウエオ",
  "가나다라마바사아자차",
  "😀😂🚀👍🏽🎉",
].map((alphabet) => Array.from(alphabet));

describe("boundTokens() of hostile texts", () => {
  test.for(Object.entries(HOSTILE))(
    "of %s is no less than services count",
    ([, once], { expect }) => {
      for (const times of [1, 2, 3, 7, 40, 400]) {
        const text = once.repeat(times);
        expect(boundTokens(text), `${times} times`).toBeGreaterThanOrEqual(countMost(text));
        // Within other text as well.
        const within = `x${text}1${text}(${text}`;
        expect(boundTokens(within), `${times} times`).toBeGreaterThanOrEqual(countMost(within));
      }
    },
  );

  test.for(["cpu", "two", "hav", "ad", "iii", "SWVO", "babab"])(
    'of "%s" again and again, without a space, is no less either',
    (once, { expect }) => {
      const text = once.repeat(100);
      expect(boundTokens(text) * MARGIN).toBeGreaterThanOrEqual(countMost(text));
    },
  );

  test("of texts at random is no less than services count", ({ expect }) => {
    const random = createRandom(11);
    const below = (end: number) => Math.floor(random() * end);
    const pick = (from: readonly string[]) => from[below(from.length)] ?? "";
    for (let round = 0; round < 1_500; round += 1) {
      const pool = Array.from({ length: 1 + below(3) }, () =>
        random() < 0.2 ? randomBlock(below) : (ALPHABETS[below(ALPHABETS.length)] ?? []),
      ).flat();
      // Few signs make other texts than many.
      const signs = Array.from({ length: 2 + below(40) }, () => pick(pool));
      const wordLength = 1 + below(30);
      const text = Array.from({ length: 200 }, (_, at) =>
        at % wordLength === 0 ? ` ${pick(signs)}` : pick(signs),
      ).join("");
      expect(boundTokens(text) * MARGIN, JSON.stringify(text)).toBeGreaterThanOrEqual(
        countMost(text),
      );
    }
  });
});

describe("boundTokens()", () => {
  test.for(Object.entries(TEXTS))(
    "of %s is no less than services count, and not far from it",
    ([, once], { expect }) => {
      const text = once.repeat(Math.ceil(400 / once.length));
      const bound = boundTokens(text) * MARGIN;
      const counts = [countOld(text), countNew(text)];
      expect(bound).toBeGreaterThanOrEqual(Math.max(...counts));
      // Those that learnt a script better need less of it.
      expect(bound).toBeLessThan(3 * Math.max(...counts));
    },
  );

  test("of English is at most twice what services count", ({ expect }) => {
    const text = TEXTS["English"]?.repeat(20) ?? "";
    expect(boundTokens(text) * MARGIN).toBeLessThan(2 * countNew(text));
  });

  test("of any text is at most one for each of its bytes", ({ expect }) => {
    for (const text of ["", " ", "a", "1 2", ...Object.values(TEXTS)]) {
      expect(boundTokens(text)).toBeLessThanOrEqual(Buffer.byteLength(text));
    }
  });

  test("of a million characters takes less than to make an array of them", async ({ expect }) => {
    const plain = "a".repeat(1_000_000);
    const listed = await quickestMs(() => Array.from(plain, (sign) => sign.codePointAt(0)));
    for (const part of ["a", "中", " ", "😀", "a1", "{"]) {
      const text = part.repeat(plain.length / part.length);
      const bound = await quickestMs(() => expect(boundTokens(text)).toBeGreaterThan(0));
      expect(bound / listed).toBeLessThan(1);
    }
  });
});

function countMost(text: string): number {
  return Math.max(countOld(text), countNew(text));
}

/** Of one of the blocks of 64 code points that are no halves of others. */
function randomBlock(below: (end: number) => number): readonly string[] {
  const first = 0x80 + 64 * below(0xd700 / 64);
  return Array.from({ length: 64 }, (_, at) => String.fromCodePoint(first + at));
}

function randomBytes(count: number): readonly number[] {
  const random = createRandom(5);
  return Array.from({ length: count }, () => Math.floor(random() * 256));
}

/*
 * What tokenizers have as one token: what two of OpenAI (cl100k and o200k) both have, at the
 * beginning of a word as well as within one. `test/unit/domain/token-pieces.test.ts` holds it to them.
 */

/** How many tokens the letters of `text` from `start` up to `end` take, all of them small ones. */
export function countSmall(text: string, start: number, end: number): number {
  if (end - start <= LONGEST && isWord(text, start, end)) return 1;
  let tokens = 0;
  for (let at = start; at < end; ) {
    const piece = lengthOfPiece(text, at, end);
    tokens += piece === 2 ? TOKENS_OF_PAIR : 1;
    at += piece;
  }
  return tokens;
}

/** Whether it is one of the words that are known, and no part of another. */
function isWord(text: string, start: number, end: number): boolean {
  if (isLetter(text.charCodeAt(start - 1)) || isLetter(text.charCodeAt(end))) return false;
  const length = end - start;
  if (length === 2) return PAIRS[indexOf(text, start, SMALL_A, 2)] === 1;
  if (length === 3) return WORDS[indexOf(text, start, SMALL_A, 3)] === 1;
  return length > 3 && WHOLE.has(text.slice(start, end));
}

/** Of any script; what else is not ASCII counts as one. */
function isLetter(code: number): boolean {
  return code > 0x7f || (code >= CAPITAL_A && code < CAPITAL_A + LETTERS);
}

/** As `countSmall`, of capitals. */
export function countCapitals(text: string, start: number, end: number): number {
  let tokens = 0;
  for (let at = start; at < end; ) {
    const isPair = at + 1 < end && CAPITAL_PAIRS[indexOf(text, at, CAPITAL_A, 2)] === 1;
    tokens += isPair ? TOKENS_OF_PAIR : 1;
    at += isPair ? 2 : 1;
  }
  return tokens;
}

/** Within a word: tokenizers may make other pairs there than these. */
const TOKENS_OF_PAIR = 1.3;

/** How many tokens a code point takes that is not ASCII; never more than the bytes that it is of UTF-8. */
export function countForeign(point: number): number {
  if (point < 0x800) return SINGLE.has(point) ? 1 : 2;
  if (point > 0xffff) return isEmojiPlane(point) ? 3 : 4;
  return RARE_BLOCKS[(point - 0x800) >> 6] === 1 ? 3 : 2;
}

/** Mathematical letters, cards, emoji */
function isEmojiPlane(point: number): boolean {
  return (point >= 0x1d000 && point < 0x1e000) || (point >= 0x1f000 && point < 0x20000);
}

/** Of the longest piece that begins at `at`. */
function lengthOfPiece(text: string, at: number, end: number): number {
  const left = end - at;
  if (left >= 3) {
    const triple = TRIPLES[indexOf(text, at, SMALL_A, 3)] ?? 0;
    for (let length = triple < BEGINS ? 0 : Math.min(left, LONGEST); length > 3; length -= 1) {
      if (LONGER.has(text.slice(at, at + length))) return length;
    }
    if (triple % BEGINS === 1) return 3;
  }
  return left >= 2 && PAIRS[indexOf(text, at, SMALL_A, 2)] === 1 ? 2 : 1;
}

const SMALL_A = 0x61;
const CAPITAL_A = 0x41;
const LETTERS = 26;
const LONGEST = 9;
/** Added to those with which longer pieces begin, be they pieces themselves or not. */
const BEGINS = 2;

function indexOf(text: string, at: number, first: number, length: number): number {
  let index = 0;
  for (let next = at; next < at + length; next += 1) {
    index = index * LETTERS + text.charCodeAt(next) - first;
  }
  return index;
}

/** Each row: letters, and those that may follow them. */
function readRows(rows: string, headLength: number, first: number): Uint8Array {
  const table = new Uint8Array(LETTERS ** (headLength + 1));
  for (const row of rows.trim().split(/\s+/u)) {
    const head = row.slice(0, headLength);
    for (const last of row.slice(headLength)) {
      table[indexOf(head + last, 0, first, headLength + 1)] = 1;
    }
  }
  return table;
}

const PAIRS = readRows(
  `
  aabcdefghijklmnoprstuvwxyz babcdefghijklmnoprstuvwxyz cabcdefghijklmnopqrstuvwxyz
  dabcdefghijklmnopqrstuvwxyz eabcdefghijklmnopqrstuvwxyz fabcdefghiklmnopqrstuvwxy
  gabcdefghilmnoprstuvwxyz habcdefghiklmnoprstuvwxy iabcdefghijklmnopqrstvwxyz jabcdeijlmopqrstu
  kabcdeghijklmnoprstuvwy labcdefghijklmnoprstuvwxy mabcdefghijklmnopqrstuvwxy
  nabcdefghijklmnoprstuvwxyz oabcdefghiklmnoprstuvwxyz pabcdefghijklmnopqrstuvwxy qabcipqrstuw
  rabcdefghiklmnopqrstuvwxyz sabcdefghijklmnopqrstuvwxyz tabcdefghiklmnoprstuvwxyz
  uabcdefghiklmnprstuvwxyz vabcdefghiklmnoprstuvwxy wabcdefghiklmnoprstwxy xabcdefilmnoprstxy
  yaceginoprsty zabdehikmnosuwxz
`,
  1,
  SMALL_A,
);

const CAPITAL_PAIRS = readRows(
  `
  AABCDEFGHIJKLMNOPQRSTUVWXZ BABCDEFGHIJKLMNOPRSTUVWXY CABCDEFGHIKLMNOPRSTUVWXY
  DABCDEFGHIJKLMNOPRSTUVWXY EABCDEFGHILMNOPQRSTUVWXZ FABCDEFGHIKLMNOPRSTUWXY
  GABCDEFGHILMNOPRSTUVWX HABCDEFGHIKLMOPQRSTVWY IABCDEFGHIKLMNOPQRSTUVWX JABCDEJKMOPRSTV
  KABCDEGHKLMNOPRSTVWY LABCDEFGILMNOPRSTUVY MABCDEFGHIJKLMNOPQRSTUVWXY NABCDEFGHIJKLMNOPRSTUVWXYZ
  OABCDEFGHKLMNOPRSTUVW PABCDEFGHIJKLMNOPRSTUVWXY QABCEQRSTU RABCDEFGHIKLMNOPRSTUVWX
  SABCDEFGHIJKLMNOPQRSTUVWXYZ TABCDEFGHIKLMNOPRSTUVWXYZ UABCDEFIKLMNPRSTVX VABCEFGIKLMNOPRST
  WABCDEFGHIKLMPRSTWX XBCDFILMPRSTXY YAEMY ZXZ
`,
  1,
  CAPITAL_A,
);

/** Anywhere in a word */
const TRIPLES = readRows(
  `
  aan abbcilsy accehklt adbcdejmorsv aes aff agegor aidlmnrs akotu alcdefgiklmost ambdiopty
  ancdgiknostyz apehikloprt aqu arbcdegkmprty aschikmst atehlrt audfgrstx avegi awks axe azi
  bacdghklmnrstyz bedefghiklnrstw bicdgjlnorstz blaeko bmp boalnorstwxy braeou bst btn budfglmrsty
  bye cabdflmnprst celnprs cfg chaeikoru cidlnrst claefikrs cmbdps cnt codlmnprstuvw cpfp creioy
  csrsv ctlrx cuelmprst cwd czy dacglmnoprsty dbcglo debcefglmnprstvxz dfs diacefgmnorstv dlgl dma
  dnais dobcgimnst dpi draeovy dst dto duekpr eartx ecchost ediu eenr eff ego eidn eks elaflmost
  embop encdghnstv eps equ erabgkmnorsvy esacikopst etacht excpt fabclnrstvx fecdelnrw ffit
  fibcdglnrtx fldoy fmt folnorsx fps fraem fst ftp fulnr galmnprsy gcc gebdehlmnorstw gfx giadfnot
  gleimy godnortv gps graeop gst gtk guin habdilmnprsty hdr hedilmnrstxy hicdlmnpst hocglmnprstw
  hrs hubdms hyp iamr icehy idesx iff ign iid ilekls imabegmpsu incdefghknpstv iodns ipcsv iremq
  isacelopst ithmrsu ive jabcklmnrvw jerst jit jobnsy jpg jsx judgnr jwt kadlnprst kedlnrsty
  kidlmnrt kle kolmnprs kre ksi kulr labcdghmnprstvwy lcd lda ledegimnorstvxy liabcdegjkmnpstv lle
  lng lobcdgknrstvw lst luagtx lyns macdghijklnprstxy mdil medglnrstz mgr miacdelnrstx mlx
  mobdlnrstvz mphil msg mulnrstx mys nadhklmprstvz nbr nedghlortw ngax nicdeklmpt nocdmprstvw npcm
  nth numt nya obejls occht odde offt oglr oidl oldei omap onest ook opcprst orabdegimnt oscpst
  otpt oudirt oweln oxy pacdgiklnrsty pcbim pdf pecdeglnrst phiy picdegnrstx pkg plaelsty png
  podilnrstw ppt praeio psityz ptrs pubnrst pwd qry qty quaeio rabcdgjmnpstwyz rebcdfgklmnpqstvwxz
  rhos ribcdfgjmnopstv rndg robcdgilmstuwyz rpm rsapst rtcl rubdgmnst sadlmnprtvy schr
  seacdegiklmnopqrtx shaer sicdeglmnptx skiu sla snd soclmn spaeilor sql src sshl stadekmoruy
  submnprt svcgn syn tabglmnprsux tbl teadeklmnprsx thaery ticdelmnp tls tocdgiklmnopry tpl
  traeioxy tty tur typ ucz udp uidt ullt umabp unacdegiknost updpst urbegiln usabeort utcf uur
  vacklnrst vecdhlnrstz viacdeglmnprstz volnrsxy vpn vtk vue walnrstvy webdgilnr whoy widegjklnst
  wnd wonor wyn xhr xml xor xyz yanw yenrst yii you yum zagpr zenr ziegp zug zza
`,
  2,
  SMALL_A,
);

/** Words of three letters, which take more where they are part of another. */
const WORDS = readRows(
  `
  aaa aba ada aka ama ana apa ata auc ava bab beb bib bob btc cac cpu crc dad ddl ded did dyn dzi
  egg ele ere ese evet exe eye flu gpu hoe htt ici idi iii ili ini isi jej kok lbls lhs lol lvl
  mem mom nan nen nin non ofs oro pcs php pip pkt pop rar rdf rer rgb rpc sdk ses sis skby sms sns
  spy srv sts sus syms tat tcp tet tit tmp tot ttl two txnt usu wow www xxx
`,
  2,
  SMALL_A,
);

/** Words and endings that are common in English: others are put together of shorter pieces. */
const LONGER: ReadonlySet<string> = new Set(
  `
  able about after again allow ally already also although always another anything area around
  array back because been before being between body both break bring call change city class
  college come company const continue control could create death decision ding does door drug
  during each effect else ents error even every face fact false father field file finally find
  first follow foot force form free friend from function game give good great group grow hand have
  head health hear heart here high history home hour house however idea include interest into item
  items just keep kind king know last lead leader learn leave less level light like line ling list
  little live long look made market mean meet member ment might mind model moment month more most
  mother music must name nation need ness never ning none nothing null number object office only
  open order other others over parent part people person place plan play point port power price
  problem process program provide public question rate read reason relation remember report
  research result return ring road role room same second self sense service should show side
  social some stand start state still stop store string such system take talk team tell test text
  than that their them then there they think this through time ting tion turn under until upon
  user value very view voice walk want ward watch water well what when whether which while whose
  will with within without word work would your
`
    .trim()
    .split(/\s+/u),
);
for (const piece of LONGER) {
  const index = indexOf(piece, 0, SMALL_A, 3);
  TRIPLES[index] = ((TRIPLES[index] ?? 0) % BEGINS) + BEGINS;
}

/** Longer words: they are one token where they are whole. */
const WHOLE: ReadonlySet<string> = new Set(
  `
  above against agent agents almost along among answer async await below best better boolean
  budget build called caller calls came cannot case catch check checks clear client close closed
  code comes cost count counts data date dates days default done drive early easy eight either
  empty ended ends errors ever everyone except export extends fail failed fails fast feel files
  folder full given going gone half hard having hello help hope hours import inside instead
  interface keys large late least letter letters liked likes limit limits lines lists looks lose
  love main make makes many maybe message messages million minute minutes models money months move
  much named names needs next nine numbers offer often opens outside page pages party path paths
  perhaps please policy prices private quite rather reader readonly reads ready real really
  request requests response results returns rich right said seen server services session seven
  shall short simple since size sizes skill slow small someone sometimes soon sorry started starts
  states static stored story strong sure table tables taken takes task tasks teacher tested tests
  texts thanks these third those though thread throw times today token tokens tool tools town true
  type undefined unless used users uses using usually values wait weak weeks were whatever where
  wife words worked worker works write writes written year years young
`
    .trim()
    .split(/\s+/u),
);

/** Code points of two bytes that take one token: common letters of Europe, Hebrew and Arabic. */
const SINGLE: ReadonlySet<number> = new Set(
  [
    "\u0080\u0092\u00a0¡¢£¤¥¦§\u00a8©ª«¬\u00ad®\u00af°±²³\u00b4µ¶·¹º»¼½¾¿ÀÁÂÃÄÇÉÍÎÐÑÓÖ×ÚÜ",
    "ßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýāăąćčĐđēęěğīİıłńōőœřśşšţťūůűźżžơưșțəɵ\u0300\u0301άέήία",
    "βγδεηθικλμνοπρςστυφχωόЂАБВГДЕЗИКЛМНОПРСТУФЦЧЭЯабвгдежзийклмнопрстуфхцчшщъыьэюяёі",
    "\u05d0\u05d1\u05d3\u05d4\u05d5\u05d7\u05d9\u05dc\u05de\u05e0\u05e2\u05e8\u05e9\u05ea",
    "\u060c\u0623\u0625\u0627\u0628\u0629\u062a\u062b\u062c\u062d\u062e\u062f\u0630\u0631",
    "\u0632\u0633\u0634\u0635\u0636\u0637\u0638\u0639\u063a\u0641\u0642\u0643\u0644\u0645",
    "\u0646\u0647\u0648\u0649\u064a\u064e\u064f\u0650\u0651\u0652\u067e\u06a9\u06af\u06cc",
  ].flatMap((part) => Array.from(part, (sign) => sign.charCodeAt(0))),
);

/** Blocks of 64 code points, from U+0800 on, in hexadecimal: 1 where there are some of three tokens. */
const RARE_BLOCKS = Uint8Array.from(
  [
    "f00c00136ffffffcffffffcf113fb031ffffffff0bffffffffffffffffffffffffffff00280021e202f8",
    "1e00270090002bf00007b73c7383900093c10e027fbf8c1800f80ef7c0030dbfffedffffffffffff0a3f",
    "d3ca67fc289e4d7fc1cff80174ff5dbfa7d7fb3f00000000ffffffffffffffffdfffffffffffff70",
  ]
    .join("")
    .replaceAll(/./gu, (digit) => Number.parseInt(digit, 16).toString(2).padStart(4, "0")),
  Number,
);

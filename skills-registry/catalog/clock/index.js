// Time zones and the calendar. One module without imports: that is what an isolate runs. All
// moments are milliseconds since the Unix epoch; a "local" one is what a zone's wall clock shows,
// written as if it were UTC.

const TOOLS = { now, convert, add, difference };

export async function run(tool, input, host) {
  let ms;
  const askNow = () => (ms ??= host.now());
  return TOOLS[tool](input, askNow);
}

function now({ zone = "UTC" }, askNow) {
  const nowMs = askNow();
  return { ...describe(nowMs, findZone(zone)), unixMs: nowMs };
}

function convert({ time, from = "UTC", to }, askNow) {
  const source = findZone(from);
  const ms = parseTime(time, source, askNow);
  return { ...describe(ms, findZone(to)), from: formatIso(ms, source) };
}

function add({ duration, time = "now", zone = "UTC" }, askNow) {
  const place = findZone(zone);
  const startMs = parseTime(time, place, askNow);
  const endMs = checkRange(addDuration(startMs, parseDuration(duration), place));
  return { ...describe(endMs, place), start: formatIso(startMs, place) };
}

function difference({ from = "now", to, zone = "UTC" }, askNow) {
  const place = findZone(zone);
  const startMs = parseTime(from, place, askNow);
  const endMs = parseTime(to, place, askNow);
  const units = measure(startMs, endMs, place);
  return {
    start: formatIso(startMs, place),
    end: formatIso(endMs, place),
    text: formatUnits(units),
    ...units,
    totalDays: Math.round(((endMs - startMs) / DAY_MS) * 1e6) / 1e6,
    totalSeconds: (endMs - startMs) / 1000,
  };
}

// Zones

const REGIONS =
  "Europe America Asia Africa Australia Pacific Atlantic Indian America/Argentina America/Indiana America/Kentucky Antarctica".split(
    " ",
  );

/** Cities and countries with one zone that is not named for them. */
const PLACES = {
  austria: "Europe/Vienna",
  bangalore: "Asia/Kolkata",
  barcelona: "Europe/Madrid",
  beijing: "Asia/Shanghai",
  belgium: "Europe/Brussels",
  boston: "America/New_York",
  china: "Asia/Shanghai",
  cologne: "Europe/Berlin",
  dallas: "America/Chicago",
  delhi: "Asia/Kolkata",
  england: "Europe/London",
  finland: "Europe/Helsinki",
  france: "Europe/Paris",
  frankfurt: "Europe/Berlin",
  geneva: "Europe/Zurich",
  germany: "Europe/Berlin",
  greece: "Europe/Athens",
  hamburg: "Europe/Berlin",
  hanoi: "Asia/Ho_Chi_Minh",
  houston: "America/Chicago",
  india: "Asia/Kolkata",
  ireland: "Europe/Dublin",
  israel: "Asia/Jerusalem",
  italy: "Europe/Rome",
  japan: "Asia/Tokyo",
  "las vegas": "America/Los_Angeles",
  miami: "America/New_York",
  milan: "Europe/Rome",
  montreal: "America/Toronto",
  mumbai: "Asia/Kolkata",
  munich: "Europe/Berlin",
  "new delhi": "Asia/Kolkata",
  norway: "Europe/Oslo",
  osaka: "Asia/Tokyo",
  philadelphia: "America/New_York",
  poland: "Europe/Warsaw",
  "rio de janeiro": "America/Sao_Paulo",
  "saint petersburg": "Europe/Moscow",
  "san diego": "America/Los_Angeles",
  "san francisco": "America/Los_Angeles",
  seattle: "America/Los_Angeles",
  shenzhen: "Asia/Shanghai",
  sweden: "Europe/Stockholm",
  switzerland: "Europe/Zurich",
  turkey: "Europe/Istanbul",
  uk: "Europe/London",
  "united kingdom": "Europe/London",
  washington: "America/New_York",
};

/** Names that ICU keeps for old data, and the ones in use. */
const RENAMED = {
  "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Atlantic/Faeroe": "Atlantic/Faroe",
  "Europe/Kiev": "Europe/Kyiv",
};

/** The zone that a name, a place or an offset stands for. */
function findZone(name) {
  const place = name.trim().replaceAll(/\s+/gu, " ");
  if (/^(?:utc|gmt|z)$/iu.test(place)) return openZone("UTC");
  const offset = /^(?:utc|gmt)? ?(?<sign>[+\u2212-])(?<hours>\d{1,2})(?::?(?<minutes>\d\d))?$/iu.exec(place);
  if (offset) {
    const { sign, hours, minutes = "00" } = offset.groups;
    const zone = openZone(`${sign === "+" ? "+" : "-"}${hours.padStart(2, "0")}:${minutes}`);
    if (zone) return zone;
  }
  const zone = findNamedZone(place);
  if (zone) return zone;
  throw new RangeError(
    `Cannot find time zone "${name}": expected an IANA name such as "Europe/Berlin", a large city, "UTC" or an offset such as "+02:00"`,
  );
}

function findNamedZone(place) {
  const city = place.replaceAll(" ", "_");
  const alias = Object.hasOwn(PLACES, place.toLowerCase()) ? PLACES[place.toLowerCase()] : city;
  const names = alias.includes("/") ? [alias] : REGIONS.map((region) => `${region}/${alias}`);
  for (const name of names) {
    const zone = openZone(name);
    if (zone) return zone;
  }
  return undefined;
}

function openZone(name) {
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    const { timeZone } = format.resolvedOptions();
    return { name: RENAMED[timeZone] ?? timeZone, format };
  } catch {
    return undefined;
  }
}

/** What the zone's wall clock shows, to the second below. */
function toLocal(ms, { format }) {
  const parts = {};
  for (const { type, value } of format.formatToParts(ms)) parts[type] = value;
  const year = parts.era === "BC" ? 1 - Number(parts.year) : Number(parts.year);
  const { month, day, hour, minute, second } = parts;
  return utc(year, month - 1, day, hour, minute, second) + modulo(ms, 1000);
}

function offsetAt(ms, zone) {
  return toLocal(ms, zone) - ms;
}

/** Skipped times move forward by the gap; of two times that read the same the first is meant. */
function fromLocal(local, zone) {
  const before = offsetAt(local - DAY_MS, zone);
  const after = offsetAt(local + DAY_MS, zone);
  const fitting = [before, after].filter((offset) => offsetAt(local - offset, zone) === offset);
  return fitting.length === 0 ? local - before : local - Math.max(...fitting);
}

// The calendar

const DAY_MS = 86_400_000;
const FIRST_MS = utc(1, 0, 1);
const LAST_MS = utc(9999, 11, 31);
/** On the way to a result a date may lie further out. */
const MAX_CALENDAR_MS = 2 * LAST_MS;

/** As `Date.UTC`, without its twist for the years 0 to 99. */
function utc(year, month, day, ...time) {
  const date = new Date(Date.UTC(2000, 0, 1, ...time));
  date.setUTCFullYear(year, month, day);
  return date.getTime();
}

function checkRange(ms) {
  if (ms >= FIRST_MS && ms <= LAST_MS) return ms;
  throw new RangeError("Cannot use that date: expected one in the years 1 to 9999");
}

function addDuration(ms, duration, zone) {
  const { years, months, weeks, days, hours, minutes, seconds } = duration;
  const calendar = { months: years * 12 + months, days: weeks * 7 + days };
  const exact = (hours * 60 + minutes) * 60_000 + seconds * 1000;
  return addCalendar(ms, calendar, zone) + Math.round(exact);
}

/** Months stop at the end of shorter ones; days keep the time on the wall clock. */
function addCalendar(ms, { months, days }, zone) {
  if (months === 0 && days === 0) return ms;
  const local = toLocal(ms, zone);
  const date = new Date(local);
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth() + months;
  const year = Math.floor(month / 12);
  const lastDay = new Date(utc(year, modulo(month, 12) + 1, 0)).getUTCDate();
  const start = utc(year, modulo(month, 12), Math.min(date.getUTCDate(), lastDay));
  const end = start + days * DAY_MS;
  if (!(Math.abs(end) < MAX_CALENDAR_MS)) checkRange(end);
  return fromLocal(end + modulo(local, DAY_MS), zone);
}

/** As many whole months as fit, then days, then exact time: adding them up again leads to the end. */
function measure(startMs, endMs, zone) {
  const sign = endMs < startMs ? -1 : 1;
  const fits = (months, days) =>
    (endMs - addCalendar(startMs, { months: sign * months, days: sign * days }, zone)) * sign >= 0;
  const months = greatest(Math.floor(Math.abs(endMs - startMs) / (28 * DAY_MS)), (n) => fits(n, 0));
  const days = greatest(32, (n) => fits(months, n));
  const reached = addCalendar(startMs, { months: sign * months, days: sign * days }, zone);
  const seconds = Math.abs(endMs - reached) / 1000;
  const units = {
    years: Math.floor(months / 12),
    months: months % 12,
    days,
    hours: Math.floor(seconds / 3600),
    minutes: Math.floor(seconds / 60) % 60,
    seconds: Math.round((seconds % 60) * 1000) / 1000,
  };
  return Object.fromEntries(Object.entries(units).map(([unit, n]) => [unit, n === 0 ? 0 : sign * n]));
}

/** The greatest n up to `most` that fits, where all below it fit too. */
function greatest(most, fits) {
  let low = 0;
  let high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function modulo(a, b) {
  return ((a % b) + b) % b;
}

// Reading

const TIME =
  /^(?:(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d))?(?:(?:T|\s+|^)(?<hour>\d{1,2})(?::(?<minute>\d\d)(?::(?<second>\d\d)(?:\.(?<fraction>\d{1,3})\d*)?)?)?\s*(?<half>[ap]\.?m\.?)?)?\s*(?<offset>Z|[+-]\d\d(?::?\d\d)?)?$/iu;

function parseTime(text, zone, askNow) {
  const said = text.trim().toLowerCase();
  if (said === "now") return askNow();
  const today = () => startOfDay(toLocal(askNow(), zone));
  const midnight = (days) => fromLocal(today() + days * DAY_MS, zone);
  if (said === "today" || said === "midnight") return midnight(0);
  if (said === "tomorrow") return midnight(1);
  if (said === "yesterday") return midnight(-1);
  const match = TIME.exec(said === "noon" ? "12:00" : text.trim());
  const read = match && readTime(match.groups, today);
  if (read === undefined || read === null) {
    throw new RangeError(
      `Cannot read time "${text}": expected ISO 8601 such as "2026-03-29T14:30", "15:00", "3:30 pm" or "now"`,
    );
  }
  return checkRange(fromLocal(read.local, read.offset ? findZone(offsetName(read.offset)) : zone));
}

/** The parts of a time as a local one; undefined where there is no such day or hour. */
function readTime({ year, month, day, hour, minute, second, fraction, half, offset }, today) {
  const isBareHour = minute === undefined && half === undefined;
  if (hour === undefined ? year === undefined : isBareHour) return undefined;
  const date = year === undefined ? today() : utc(Number(year), month - 1, Number(day));
  const isSameDay = year === undefined || new Date(date).toISOString().startsWith(`${year}-${month}-${day}`);
  const hours = toHours(Number(hour ?? 0), half);
  const minutes = Number(minute ?? 0);
  const seconds = Number(second ?? 0);
  if (!isSameDay || hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const ms = Number((fraction ?? "").padEnd(3, "0"));
  return { local: date + ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms, offset };
}

/** 12 am is midnight and 12 pm is noon; 99 for what no clock shows. */
function toHours(hour, half) {
  if (half === undefined) return hour;
  if (hour < 1 || hour > 12) return 99;
  return (hour % 12) + (/^p/iu.test(half) ? 12 : 0);
}

function offsetName(offset) {
  return /^z$/iu.test(offset) ? "UTC" : offset;
}

const NO_TIME = { years: 0, months: 0, weeks: 0, days: 0, hours: 0, minutes: 0, seconds: 0 };
const UNITS = {
  y: "years",
  yr: "years",
  year: "years",
  mo: "months",
  month: "months",
  w: "weeks",
  wk: "weeks",
  week: "weeks",
  d: "days",
  day: "days",
  h: "hours",
  hr: "hours",
  hour: "hours",
  m: "minutes",
  min: "minutes",
  minute: "minutes",
  s: "seconds",
  sec: "seconds",
  second: "seconds",
};
const MAX_AMOUNT = 1e11;

function parseDuration(text) {
  const parts = parseIsoDuration(text.trim()) ?? parseWords(text.trim());
  if (parts === undefined) {
    throw new RangeError(
      `Cannot read duration "${text}": expected words such as "1 year 2 months" or ISO 8601 such as "P1Y2M"`,
    );
  }
  const duration = { ...NO_TIME };
  for (const { amount, unit } of parts) {
    if (Math.abs(amount) > MAX_AMOUNT || (!Number.isInteger(amount) && !EXACT_UNITS.has(unit))) {
      throw new RangeError(
        `Cannot use ${amount} ${unit} of "${text}": expected a whole number of years to days`,
      );
    }
    duration[unit] += amount;
  }
  return duration;
}

const EXACT_UNITS = new Set(["hours", "minutes", "seconds"]);

function parseIsoDuration(text) {
  const match =
    /^(?<sign>[+-]?)P(?=\d|T\d)(?:(?<years>\d+)Y)?(?:(?<months>\d+)M)?(?:(?<weeks>\d+)W)?(?:(?<days>\d+)D)?(?:T(?:(?<hours>[\d.]+)H)?(?:(?<minutes>[\d.]+)M)?(?:(?<seconds>[\d.]+)S)?)?$/iu.exec(text);
  if (!match) return undefined;
  const { sign, ...amounts } = match.groups;
  return Object.entries(amounts)
    .filter(([, amount]) => amount !== undefined)
    .map(([unit, amount]) => ({ amount: (sign === "-" ? -1 : 1) * Number(amount), unit }));
}

function parseWords(text) {
  const match = /^(?<sign>[+-]?)\s*(?<body>.*?)(?<ago>\s+ago)?$/isu.exec(text);
  const words = match.groups.body.replaceAll(/,|\band\b/giu, " ").trim();
  if (!/^(?:(?:\d+(?:\.\d+)?|an?)\s*[a-z]+\s*)+$/iu.test(words)) return undefined;
  const sign = (match.groups.sign === "-") === (match.groups.ago !== undefined) ? 1 : -1;
  const parts = [];
  for (const [, amount, name] of words.matchAll(/(\d+(?:\.\d+)?|an?)\s*([a-z]+)/giu)) {
    const unit = findUnit(name.toLowerCase());
    if (unit === undefined) return undefined;
    parts.push({ amount: sign * (/^a/iu.test(amount) ? 1 : Number(amount)), unit });
  }
  return parts;
}

function findUnit(name) {
  const singular = name.replace(/(?<=..)s$/u, "");
  return Object.hasOwn(UNITS, singular) ? UNITS[singular] : undefined;
}

function startOfDay(local) {
  return local - modulo(local, DAY_MS);
}

// Writing

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

function describe(ms, zone) {
  checkRange(ms);
  const local = new Date(toLocal(ms, zone));
  const iso = formatIso(ms, zone);
  return {
    iso,
    date: iso.slice(0, 10),
    time: iso.slice(11, 19).replace(/:00$/u, ""),
    weekday: WEEKDAYS[local.getUTCDay()],
    zone: zone.name,
    offset: formatOffset(offsetAt(ms, zone)),
  };
}

function formatIso(ms, zone) {
  const local = new Date(toLocal(ms, zone)).toISOString();
  return `${local.slice(0, 19)}${formatOffset(offsetAt(ms, zone))}`;
}

/** With seconds where a zone had them, as most did before 1900. */
function formatOffset(offsetMs) {
  const seconds = Math.abs(offsetMs) / 1000;
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor);
  const shown = parts[2] === 0 ? parts.slice(0, 2) : parts;
  const text = shown.map((part) => String(part).padStart(2, "0")).join(":");
  return `${offsetMs < 0 ? "-" : "+"}${text}`;
}

function formatUnits(units) {
  const named = Object.entries(units).filter(([, amount]) => amount !== 0);
  const texts = named.map(([unit, amount]) => {
    const size = Math.abs(amount);
    return `${size} ${size === 1 ? unit.slice(0, -1) : unit}`;
  });
  if (texts.length === 0) return "no time";
  const isNegative = named.some(([, amount]) => amount < 0);
  const joined = [texts.slice(0, -1).join(", "), texts.at(-1)].filter(Boolean).join(" and ");
  return isNegative ? `minus ${joined}` : joined;
}

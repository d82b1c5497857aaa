import type { Attack } from "./attack.ts";
import { allocatesArraysWithoutEnd } from "./attacks/allocates-arrays-without-end.ts";
import { allocatesBuffersWithoutEnd } from "./attacks/allocates-buffers-without-end.ts";
import { allocatesStringsWithoutEnd } from "./attacks/allocates-strings-without-end.ts";
import { answersAnotherCall } from "./attacks/answers-another-call.ts";
import { answersWithAThenable } from "./attacks/answers-with-a-thenable.ts";
import { asksForAllTheMemoryThereIs } from "./attacks/asks-for-all-the-memory-there-is.ts";
import { asksForWhatNoHostHas } from "./attacks/asks-for-what-no-host-has.ts";
import { asksTheHostForBlocks } from "./attacks/asks-the-host-for-blocks.ts";
import { asksTheHostForCrumbs } from "./attacks/asks-the-host-for-crumbs.ts";
import { asksWhoCallsBack } from "./attacks/asks-who-calls-back.ts";
import { backtracksWithoutEnd } from "./attacks/backtracks-without-end.ts";
import { beginsOutsideItsMemory } from "./attacks/begins-outside-its-memory.ts";
import { beginsWithHugeWasmMemory } from "./attacks/begins-with-huge-wasm-memory.ts";
import { branchesToAMillionPlaces } from "./attacks/branches-to-a-million-places.ts";
import { callsTheHostFromItsCallbacks } from "./attacks/calls-the-host-from-its-callbacks.ts";
import { callsTheHostWithNoStackLeft } from "./attacks/calls-the-host-with-no-stack-left.ts";
import { catchesAHostError } from "./attacks/catches-a-host-error.ts";
import { catchesItsOwnEnd } from "./attacks/catches-its-own-end.ts";
import { changesTheRealmToCatchTheHost } from "./attacks/changes-the-realm-to-catch-the-host.ts";
import { claimsABillionFunctions } from "./attacks/claims-a-billion-functions.ts";
import { climbsByLookupGetter } from "./attacks/climbs-by-lookup-getter.ts";
import { collectsTheHostsCallSites } from "./attacks/collects-the-hosts-call-sites.ts";
import { copiesABufferIntoAnArray } from "./attacks/copies-a-buffer-into-an-array.ts";
import { declaresABillionLocals } from "./attacks/declares-a-billion-locals.ts";
import { declaresAThousandTables } from "./attacks/declares-a-thousand-tables.ts";
import { declaresOneHugeWasmTable } from "./attacks/declares-one-huge-wasm-table.ts";
import { declaresTwoMemories } from "./attacks/declares-two-memories.ts";
import { diesAgainAndAgain } from "./attacks/dies-again-and-again.ts";
import { dropsAWasmTableBomb } from "./attacks/drops-a-wasm-table-bomb.ts";
import { endsInsideASection } from "./attacks/ends-inside-a-section.ts";
import { fillsABillionSlots } from "./attacks/fills-a-billion-slots.ts";
import { findsOldBytesInNewMemory } from "./attacks/finds-old-bytes-in-new-memory.ts";
import { flattensARope } from "./attacks/flattens-a-rope.ts";
import { floodsTheHost } from "./attacks/floods-the-host.ts";
import { floodsTheSymbolRegistry } from "./attacks/floods-the-symbol-registry.ts";
import { forgesABlockAddress } from "./attacks/forges-a-block-address.ts";
import { formatsThePresentMoment } from "./attacks/formats-the-present-moment.ts";
import { growsAMapUntilTheProcessDies } from "./attacks/grows-a-map-until-the-process-dies.ts";
import { growsATableWithoutEnd } from "./attacks/grows-a-table-without-end.ts";
import { growsAnObjectUntilTheProcessDies } from "./attacks/grows-an-object-until-the-process-dies.ts";
import { growsWasmMemoryWithoutEnd } from "./attacks/grows-wasm-memory-without-end.ts";
import { guessesRandomNumbers } from "./attacks/guesses-random-numbers.ts";
import { importsAGlobal } from "./attacks/imports-a-global.ts";
import { importsATable } from "./attacks/imports-a-table.ts";
import { importsAnUngrantedFunction } from "./attacks/imports-an-ungranted-function.ts";
import { importsAnUnknownFunction } from "./attacks/imports-an-unknown-function.ts";
import { importsByEveryDoor } from "./attacks/imports-by-every-door.ts";
import { importsMemory } from "./attacks/imports-memory.ts";
import { importsNodeModules } from "./attacks/imports-node-modules.ts";
import { importsWhileItRuns } from "./attacks/imports-while-it-runs.ts";
import { isNoTool } from "./attacks/is-no-tool.ts";
import { isTooLarge } from "./attacks/is-too-large.ts";
import { isolateBurnsProcessorTime } from "./attacks/isolate-burns-processor-time.ts";
import { isolateLoopsForever } from "./attacks/isolate-loops-forever.ts";
import { keepsVariablesWithoutEnd } from "./attacks/keeps-variables-without-end.ts";
import { leavesMatchesOfAPattern } from "./attacks/leaves-matches-of-a-pattern.ts";
import { leavesMicrotasksBehind } from "./attacks/leaves-microtasks-behind.ts";
import { leavesPromisesForTheNextCall } from "./attacks/leaves-promises-for-the-next-call.ts";
import { leavesStateForTheNextCall } from "./attacks/leaves-state-for-the-next-call.ts";
import { leavesVariablesForTheNextCall } from "./attacks/leaves-variables-for-the-next-call.ts";
import { leavesWasmGlobalsForTheNextCall } from "./attacks/leaves-wasm-globals-for-the-next-call.ts";
import { leavesWasmMemoryForTheNextCall } from "./attacks/leaves-wasm-memory-for-the-next-call.ts";
import { listsWhatTheRealmHas } from "./attacks/lists-what-the-realm-has.ts";
import { logsTooMuchAtOnce } from "./attacks/logs-too-much-at-once.ts";
import { logsWideCharacters } from "./attacks/logs-wide-characters.ts";
import { logsWithoutEnd } from "./attacks/logs-without-end.ts";
import { loopsAfterAHostCall } from "./attacks/loops-after-a-host-call.ts";
import { loopsAsItLoads } from "./attacks/loops-as-it-loads.ts";
import { loopsAsItStarts } from "./attacks/loops-as-it-starts.ts";
import { loopsInAThenable } from "./attacks/loops-in-a-thenable.ts";
import { loopsInItsAnswer } from "./attacks/loops-in-its-answer.ts";
import { makesFunctionsOfEveryKind } from "./attacks/makes-functions-of-every-kind.ts";
import { makesTheNextCallPay } from "./attacks/makes-the-next-call-pay.ts";
import { makesTheStackFail } from "./attacks/makes-the-stack-fail.ts";
import { microtasksNeverEnd } from "./attacks/microtasks-never-end.ts";
import { moduleIsNoModule } from "./attacks/module-is-no-module.ts";
import { nestsItsSourceWithoutEnd } from "./attacks/nests-its-source-without-end.ts";
import { opensFilesByWasi } from "./attacks/opens-files-by-wasi.ts";
import { overflowsTheWasmStack } from "./attacks/overflows-the-wasm-stack.ts";
import { pluginReturnsAJsonBomb } from "./attacks/plugin-returns-a-json-bomb.ts";
import { pluginReturnsTooMuch } from "./attacks/plugin-returns-too-much.ts";
import { poisonsWhatEveryObjectInherits } from "./attacks/poisons-what-every-object-inherits.ts";
import { preparesStackTracesWithoutEnd } from "./attacks/prepares-stack-traces-without-end.ts";
import { printsAHugeBigint } from "./attacks/prints-a-huge-bigint.ts";
import { promiseNeverSettles } from "./attacks/promise-never-settles.ts";
import { reachesForTheHost } from "./attacks/reaches-for-the-host.ts";
import { reachesWebAssembly } from "./attacks/reaches-web-assembly.ts";
import { readsAnUngrantedClock } from "./attacks/reads-an-ungranted-clock.ts";
import { readsPastItsInput } from "./attacks/reads-past-its-input.ts";
import { readsTheClockOfTheRealm } from "./attacks/reads-the-clock-of-the-realm.ts";
import { recursesIntoTheHeap } from "./attacks/recurses-into-the-heap.ts";
import { registersAnInspector } from "./attacks/registers-an-inspector.ts";
import { replacesIntoAFlood } from "./attacks/replaces-into-a-flood.ts";
import { resizesABufferPastTheLimit } from "./attacks/resizes-a-buffer-past-the-limit.ts";
import { returnsACycle } from "./attacks/returns-a-cycle.ts";
import { returnsADeepNest } from "./attacks/returns-a-deep-nest.ts";
import { returnsALyingProxy } from "./attacks/returns-a-lying-proxy.ts";
import { returnsAPrototype } from "./attacks/returns-a-prototype.ts";
import { returnsByToJson } from "./attacks/returns-by-to-json.ts";
import { returnsHalfAGigabyte } from "./attacks/returns-half-a-gigabyte.ts";
import { returnsHalfAGigabyteInsideAnObject } from "./attacks/returns-half-a-gigabyte-inside-an-object.ts";
import { returnsHugeKeys } from "./attacks/returns-huge-keys.ts";
import { returnsWhatIsNoJson } from "./attacks/returns-what-is-no-json.ts";
import { returnsWideCharacters } from "./attacks/returns-wide-characters.ts";
import { schemaWithAnEndlessPattern } from "./attacks/schema-with-an-endless-pattern.ts";
import { sendsWhatIsNoText } from "./attacks/sends-what-is-no-text.ts";
import { sharesItsMemory } from "./attacks/shares-its-memory.ts";
import { sortsWithoutEnd } from "./attacks/sorts-without-end.ts";
import { spreadsAString } from "./attacks/spreads-a-string.ts";
import { stealsByPromiseSpecies } from "./attacks/steals-by-promise-species.ts";
import { stormsTheMemory } from "./attacks/storms-the-memory.ts";
import { takesEveryProcess } from "./attacks/takes-every-process.ts";
import { tellsUsersApartNoMore } from "./attacks/tells-users-apart-no-more.ts";
import { throwsAHugeMessage } from "./attacks/throws-a-huge-message.ts";
import { throwsAProxy } from "./attacks/throws-a-proxy.ts";
import { throwsAnErrorWithLoopingGetters } from "./attacks/throws-an-error-with-looping-getters.ts";
import { throwsWhileItsModuleLoads } from "./attacks/throws-while-its-module-loads.ts";
import { trapsWhatTheRealmGuards } from "./attacks/traps-what-the-realm-guards.ts";
import { uses64BitMemory } from "./attacks/uses-64-bit-memory.ts";
import { usesABlockItFreed } from "./attacks/uses-a-block-it-freed.ts";
import { waitsByWasi } from "./attacks/waits-by-wasi.ts";
import { wasmBurnsProcessorTime } from "./attacks/wasm-burns-processor-time.ts";
import { wasmLoopsForever } from "./attacks/wasm-loops-forever.ts";
import { writesANumberWithoutEnd } from "./attacks/writes-a-number-without-end.ts";
import { writesFramesIntoItsWords } from "./attacks/writes-frames-into-its-words.ts";

/** Every attack there is, group by group. */
export const ATTACKS: readonly Attack[] = [
  answersWithAThenable,
  asksForWhatNoHostHas,
  asksWhoCallsBack,
  callsTheHostFromItsCallbacks,
  callsTheHostWithNoStackLeft,
  catchesAHostError,
  changesTheRealmToCatchTheHost,
  climbsByLookupGetter,
  collectsTheHostsCallSites,
  forgesABlockAddress,
  formatsThePresentMoment,
  importsByEveryDoor,
  importsNodeModules,
  importsWhileItRuns,
  listsWhatTheRealmHas,
  makesFunctionsOfEveryKind,
  makesTheStackFail,
  opensFilesByWasi,
  poisonsWhatEveryObjectInherits,
  reachesForTheHost,
  reachesWebAssembly,
  readsAnUngrantedClock,
  readsPastItsInput,
  readsTheClockOfTheRealm,
  registersAnInspector,
  sendsWhatIsNoText,
  stealsByPromiseSpecies,
  throwsAProxy,
  trapsWhatTheRealmGuards,
  usesABlockItFreed,
  backtracksWithoutEnd,
  catchesItsOwnEnd,
  isolateBurnsProcessorTime,
  isolateLoopsForever,
  loopsAfterAHostCall,
  loopsAsItLoads,
  loopsAsItStarts,
  loopsInAThenable,
  loopsInItsAnswer,
  microtasksNeverEnd,
  overflowsTheWasmStack,
  preparesStackTracesWithoutEnd,
  printsAHugeBigint,
  promiseNeverSettles,
  schemaWithAnEndlessPattern,
  sortsWithoutEnd,
  throwsAnErrorWithLoopingGetters,
  throwsWhileItsModuleLoads,
  waitsByWasi,
  wasmBurnsProcessorTime,
  wasmLoopsForever,
  allocatesArraysWithoutEnd,
  allocatesBuffersWithoutEnd,
  allocatesStringsWithoutEnd,
  asksForAllTheMemoryThereIs,
  asksTheHostForBlocks,
  asksTheHostForCrumbs,
  beginsWithHugeWasmMemory,
  copiesABufferIntoAnArray,
  declaresOneHugeWasmTable,
  dropsAWasmTableBomb,
  fillsABillionSlots,
  flattensARope,
  floodsTheSymbolRegistry,
  growsAMapUntilTheProcessDies,
  growsATableWithoutEnd,
  growsAnObjectUntilTheProcessDies,
  growsWasmMemoryWithoutEnd,
  keepsVariablesWithoutEnd,
  recursesIntoTheHeap,
  replacesIntoAFlood,
  resizesABufferPastTheLimit,
  spreadsAString,
  logsTooMuchAtOnce,
  logsWideCharacters,
  logsWithoutEnd,
  pluginReturnsAJsonBomb,
  pluginReturnsTooMuch,
  returnsACycle,
  returnsADeepNest,
  returnsALyingProxy,
  returnsAPrototype,
  returnsByToJson,
  returnsHalfAGigabyte,
  returnsHalfAGigabyteInsideAnObject,
  returnsHugeKeys,
  returnsWhatIsNoJson,
  returnsWideCharacters,
  throwsAHugeMessage,
  writesFramesIntoItsWords,
  beginsOutsideItsMemory,
  branchesToAMillionPlaces,
  claimsABillionFunctions,
  declaresABillionLocals,
  declaresAThousandTables,
  declaresTwoMemories,
  endsInsideASection,
  importsAGlobal,
  importsATable,
  importsAnUngrantedFunction,
  importsAnUnknownFunction,
  importsMemory,
  isNoTool,
  isTooLarge,
  moduleIsNoModule,
  nestsItsSourceWithoutEnd,
  sharesItsMemory,
  uses64BitMemory,
  writesANumberWithoutEnd,
  answersAnotherCall,
  findsOldBytesInNewMemory,
  guessesRandomNumbers,
  leavesMatchesOfAPattern,
  leavesPromisesForTheNextCall,
  leavesStateForTheNextCall,
  leavesVariablesForTheNextCall,
  leavesWasmGlobalsForTheNextCall,
  leavesWasmMemoryForTheNextCall,
  tellsUsersApartNoMore,
  diesAgainAndAgain,
  floodsTheHost,
  leavesMicrotasksBehind,
  makesTheNextCallPay,
  stormsTheMemory,
  takesEveryProcess,
];

import type { Attack } from "./attack.ts";
import { allocatesArraysWithoutEnd } from "./attacks/allocates-arrays-without-end.ts";
import { allocatesBuffersWithoutEnd } from "./attacks/allocates-buffers-without-end.ts";
import { allocatesStringsWithoutEnd } from "./attacks/allocates-strings-without-end.ts";
import { allocatesTinyWasmBlocksWithoutEnd } from "./attacks/allocates-tiny-wasm-blocks-without-end.ts";
import { allocatesWasmArraysInTheHost } from "./attacks/allocates-wasm-arrays-in-the-host.ts";
import { answersAnotherCall } from "./attacks/answers-another-call.ts";
import { answersWithAThenable } from "./attacks/answers-with-a-thenable.ts";
import { asksByAnUnknownName } from "./attacks/asks-by-an-unknown-name.ts";
import { asksForAllTheMemoryThereIs } from "./attacks/asks-for-all-the-memory-there-is.ts";
import { asksForAnUnlistedHost } from "./attacks/asks-for-an-unlisted-host.ts";
import { asksForAnotherPortOrMethod } from "./attacks/asks-for-another-port-or-method.ts";
import { asksForTheNetworkUnasked } from "./attacks/asks-for-the-network-unasked.ts";
import { asksTheHostForBlocks } from "./attacks/asks-the-host-for-blocks.ts";
import { asksWhoCallsBack } from "./attacks/asks-who-calls-back.ts";
import { asksWithoutWaiting } from "./attacks/asks-without-waiting.ts";
import { backtracksWithoutEnd } from "./attacks/backtracks-without-end.ts";
import { beginsOutsideItsMemory } from "./attacks/begins-outside-its-memory.ts";
import { beginsWithHugeWasmMemory } from "./attacks/begins-with-huge-wasm-memory.ts";
import { branchesToAMillionPlaces } from "./attacks/branches-to-a-million-places.ts";
import { callsTheHostFromItsCallbacks } from "./attacks/calls-the-host-from-its-callbacks.ts";
import { callsTheHostWithNoStackLeft } from "./attacks/calls-the-host-with-no-stack-left.ts";
import { catchesAHostError } from "./attacks/catches-a-host-error.ts";
import { catchesHostErrorsInWasm } from "./attacks/catches-host-errors-in-wasm.ts";
import { catchesItsOwnEnd } from "./attacks/catches-its-own-end.ts";
import { changesTheRealmToCatchTheHost } from "./attacks/changes-the-realm-to-catch-the-host.ts";
import { claimsABillionFunctions } from "./attacks/claims-a-billion-functions.ts";
import { climbsByLookupGetter } from "./attacks/climbs-by-lookup-getter.ts";
import { collectsTheHostsCallSites } from "./attacks/collects-the-hosts-call-sites.ts";
import { copiesABufferIntoAnArray } from "./attacks/copies-a-buffer-into-an-array.ts";
import { declaresAThousandTables } from "./attacks/declares-a-thousand-tables.ts";
import { declaresLocalsWithoutEnd } from "./attacks/declares-locals-without-end.ts";
import { declaresOneHugeWasmTable } from "./attacks/declares-one-huge-wasm-table.ts";
import { declaresTwoMemories } from "./attacks/declares-two-memories.ts";
import { diesAgainAndAgain } from "./attacks/dies-again-and-again.ts";
import { dropsAWasmTableBomb } from "./attacks/drops-a-wasm-table-bomb.ts";
import { endsInsideASection } from "./attacks/ends-inside-a-section.ts";
import { fillsABillionSlots } from "./attacks/fills-a-billion-slots.ts";
import { fillsItsStore } from "./attacks/fills-its-store.ts";
import { findsOldBytesInNewMemory } from "./attacks/finds-old-bytes-in-new-memory.ts";
import { flattensARope } from "./attacks/flattens-a-rope.ts";
import { floodsTheHost } from "./attacks/floods-the-host.ts";
import { floodsTheNetwork } from "./attacks/floods-the-network.ts";
import { floodsTheSymbolRegistry } from "./attacks/floods-the-symbol-registry.ts";
import { forgesABlockAddress } from "./attacks/forges-a-block-address.ts";
import { formatsThePresentMoment } from "./attacks/formats-the-present-moment.ts";
import { growsAMapUntilTheProcessDies } from "./attacks/grows-a-map-until-the-process-dies.ts";
import { growsAWasmTableWithoutEnd } from "./attacks/grows-a-wasm-table-without-end.ts";
import { growsAnObjectUntilTheProcessDies } from "./attacks/grows-an-object-until-the-process-dies.ts";
import { growsWasmMemoryWithoutEnd } from "./attacks/grows-wasm-memory-without-end.ts";
import { guessesRandomNumbers } from "./attacks/guesses-random-numbers.ts";
import { hasHalfAMillionFunctions } from "./attacks/has-half-a-million-functions.ts";
import { hidesAHostInAUrl } from "./attacks/hides-a-host-in-a-url.ts";
import { importsAGlobal } from "./attacks/imports-a-global.ts";
import { importsATable } from "./attacks/imports-a-table.ts";
import { importsAnUngrantedFunction } from "./attacks/imports-an-ungranted-function.ts";
import { importsAnUnknownFunction } from "./attacks/imports-an-unknown-function.ts";
import { importsByEveryDoor } from "./attacks/imports-by-every-door.ts";
import { importsMemory } from "./attacks/imports-memory.ts";
import { importsNodeModules } from "./attacks/imports-node-modules.ts";
import { importsWhileItRuns } from "./attacks/imports-while-it-runs.ts";
import { isNoTool } from "./attacks/is-no-tool.ts";
import { isRedirectedForEver } from "./attacks/is-redirected-for-ever.ts";
import { isRedirectedInside } from "./attacks/is-redirected-inside.ts";
import { isTooLarge } from "./attacks/is-too-large.ts";
import { isolateBurnsProcessorTime } from "./attacks/isolate-burns-processor-time.ts";
import { isolateLoopsForever } from "./attacks/isolate-loops-forever.ts";
import { keepsVariablesWithoutEnd } from "./attacks/keeps-variables-without-end.ts";
import { leavesHostCallsUnanswered } from "./attacks/leaves-host-calls-unanswered.ts";
import { leavesItsPath } from "./attacks/leaves-its-path.ts";
import { leavesMatchesOfAPattern } from "./attacks/leaves-matches-of-a-pattern.ts";
import { leavesMicrotasksBehind } from "./attacks/leaves-microtasks-behind.ts";
import { leavesPromisesForTheNextCall } from "./attacks/leaves-promises-for-the-next-call.ts";
import { leavesStateForTheNextCall } from "./attacks/leaves-state-for-the-next-call.ts";
import { leavesVariablesForTheNextCall } from "./attacks/leaves-variables-for-the-next-call.ts";
import { leavesWasmGlobalsForTheNextCall } from "./attacks/leaves-wasm-globals-for-the-next-call.ts";
import { leavesWasmMemoryForTheNextCall } from "./attacks/leaves-wasm-memory-for-the-next-call.ts";
import { linksOutThroughWasi } from "./attacks/links-out-through-wasi.ts";
import { listsWhatTheRealmHas } from "./attacks/lists-what-the-realm-has.ts";
import { logsHalfAGigabyte } from "./attacks/logs-half-a-gigabyte.ts";
import { logsTooMuchAtOnce } from "./attacks/logs-too-much-at-once.ts";
import { logsWideCharacters } from "./attacks/logs-wide-characters.ts";
import { logsWithoutEnd } from "./attacks/logs-without-end.ts";
import { loopsAfterAHostCall } from "./attacks/loops-after-a-host-call.ts";
import { loopsAsItLoads } from "./attacks/loops-as-it-loads.ts";
import { loopsInAThenable } from "./attacks/loops-in-a-thenable.ts";
import { loopsInItsAnswer } from "./attacks/loops-in-its-answer.ts";
import { makesFunctionsOfEveryKind } from "./attacks/makes-functions-of-every-kind.ts";
import { makesTheNextCallPay } from "./attacks/makes-the-next-call-pay.ts";
import { makesTheStackFail } from "./attacks/makes-the-stack-fail.ts";
import { microtasksNeverEnd } from "./attacks/microtasks-never-end.ts";
import { mixesAddresses } from "./attacks/mixes-addresses.ts";
import { moduleIsNoModule } from "./attacks/module-is-no-module.ts";
import { namesPrivateAddresses } from "./attacks/names-private-addresses.ts";
import { nestsItsSourceWithoutEnd } from "./attacks/nests-its-source-without-end.ts";
import { nestsWasmBlocksWithoutEnd } from "./attacks/nests-wasm-blocks-without-end.ts";
import { opensAFileThroughWasi } from "./attacks/opens-a-file-through-wasi.ts";
import { overflowsTheWasmStack } from "./attacks/overflows-the-wasm-stack.ts";
import { pluginAsksForTheNetwork } from "./attacks/plugin-asks-for-the-network.ts";
import { pluginReturnsAJsonBomb } from "./attacks/plugin-returns-a-json-bomb.ts";
import { pluginReturnsTooMuch } from "./attacks/plugin-returns-too-much.ts";
import { poisonsWhatEveryObjectInherits } from "./attacks/poisons-what-every-object-inherits.ts";
import { preparesStackTracesWithoutEnd } from "./attacks/prepares-stack-traces-without-end.ts";
import { printsAHugeBigint } from "./attacks/prints-a-huge-bigint.ts";
import { promiseNeverSettles } from "./attacks/promise-never-settles.ts";
import { reachesForTheHost } from "./attacks/reaches-for-the-host.ts";
import { reachesWebAssembly } from "./attacks/reaches-web-assembly.ts";
import { readsASecretFromAResponse } from "./attacks/reads-a-secret-from-a-response.ts";
import { readsAnUngrantedClock } from "./attacks/reads-an-ungranted-clock.ts";
import { readsAnotherUsersValues } from "./attacks/reads-another-users-values.ts";
import { readsPastItsInput } from "./attacks/reads-past-its-input.ts";
import { readsTheClockOfTheRealm } from "./attacks/reads-the-clock-of-the-realm.ts";
import { readsWithoutEnd } from "./attacks/reads-without-end.ts";
import { rebindsAName } from "./attacks/rebinds-a-name.ts";
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
import { sendsHeadersOfTheConnection } from "./attacks/sends-headers-of-the-connection.ts";
import { sendsTooMuch } from "./attacks/sends-too-much.ts";
import { sendsWhatIsNoText } from "./attacks/sends-what-is-no-text.ts";
import { sharesItsMemory } from "./attacks/shares-its-memory.ts";
import { sortsWithoutEnd } from "./attacks/sorts-without-end.ts";
import { spellsAddressesOddly } from "./attacks/spells-addresses-oddly.ts";
import { spreadsAString } from "./attacks/spreads-a-string.ts";
import { startsWithoutEnd } from "./attacks/starts-without-end.ts";
import { stealsByPromiseSpecies } from "./attacks/steals-by-promise-species.ts";
import { storesHalfAGigabyte } from "./attacks/stores-half-a-gigabyte.ts";
import { stormsTheMemory } from "./attacks/storms-the-memory.ts";
import { takesASecretElsewhere } from "./attacks/takes-a-secret-elsewhere.ts";
import { takesEveryProcess } from "./attacks/takes-every-process.ts";
import { tellsUsersApartNoMore } from "./attacks/tells-users-apart-no-more.ts";
import { throwsAHugeMessage } from "./attacks/throws-a-huge-message.ts";
import { throwsAProxy } from "./attacks/throws-a-proxy.ts";
import { throwsAnErrorWithLoopingGetters } from "./attacks/throws-an-error-with-looping-getters.ts";
import { throwsWhileItsModuleLoads } from "./attacks/throws-while-its-module-loads.ts";
import { trapsWhatTheRealmGuards } from "./attacks/traps-what-the-realm-guards.ts";
import { unpacksABomb } from "./attacks/unpacks-a-bomb.ts";
import { uses64BitMemory } from "./attacks/uses-64-bit-memory.ts";
import { usesABlockItFreed } from "./attacks/uses-a-block-it-freed.ts";
import { waitsForADrip } from "./attacks/waits-for-a-drip.ts";
import { waitsOnWasmMemory } from "./attacks/waits-on-wasm-memory.ts";
import { waitsThroughWasi } from "./attacks/waits-through-wasi.ts";
import { wasmBurnsProcessorTime } from "./attacks/wasm-burns-processor-time.ts";
import { wasmLoopsForever } from "./attacks/wasm-loops-forever.ts";
import { writesANumberWithoutEnd } from "./attacks/writes-a-number-without-end.ts";
import { writesFramesIntoItsWords } from "./attacks/writes-frames-into-its-words.ts";
import { writesPastItsMemoryThroughWasi } from "./attacks/writes-past-its-memory-through-wasi.ts";

/** Every attack there is, group by group. */
export const ATTACKS: readonly Attack[] = [
  answersWithAThenable,
  asksByAnUnknownName,
  asksWhoCallsBack,
  callsTheHostFromItsCallbacks,
  callsTheHostWithNoStackLeft,
  catchesAHostError,
  catchesHostErrorsInWasm,
  changesTheRealmToCatchTheHost,
  climbsByLookupGetter,
  collectsTheHostsCallSites,
  forgesABlockAddress,
  formatsThePresentMoment,
  importsByEveryDoor,
  importsNodeModules,
  importsWhileItRuns,
  linksOutThroughWasi,
  listsWhatTheRealmHas,
  makesFunctionsOfEveryKind,
  makesTheStackFail,
  opensAFileThroughWasi,
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
  writesPastItsMemoryThroughWasi,
  backtracksWithoutEnd,
  catchesItsOwnEnd,
  isolateBurnsProcessorTime,
  isolateLoopsForever,
  loopsAfterAHostCall,
  loopsAsItLoads,
  loopsInAThenable,
  loopsInItsAnswer,
  microtasksNeverEnd,
  overflowsTheWasmStack,
  preparesStackTracesWithoutEnd,
  printsAHugeBigint,
  promiseNeverSettles,
  schemaWithAnEndlessPattern,
  sortsWithoutEnd,
  startsWithoutEnd,
  throwsAnErrorWithLoopingGetters,
  throwsWhileItsModuleLoads,
  waitsThroughWasi,
  wasmBurnsProcessorTime,
  wasmLoopsForever,
  allocatesArraysWithoutEnd,
  allocatesBuffersWithoutEnd,
  allocatesStringsWithoutEnd,
  allocatesTinyWasmBlocksWithoutEnd,
  asksForAllTheMemoryThereIs,
  asksTheHostForBlocks,
  beginsWithHugeWasmMemory,
  copiesABufferIntoAnArray,
  declaresOneHugeWasmTable,
  dropsAWasmTableBomb,
  fillsABillionSlots,
  fillsItsStore,
  flattensARope,
  floodsTheSymbolRegistry,
  growsAMapUntilTheProcessDies,
  growsAWasmTableWithoutEnd,
  growsAnObjectUntilTheProcessDies,
  growsWasmMemoryWithoutEnd,
  keepsVariablesWithoutEnd,
  recursesIntoTheHeap,
  replacesIntoAFlood,
  resizesABufferPastTheLimit,
  spreadsAString,
  logsHalfAGigabyte,
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
  storesHalfAGigabyte,
  throwsAHugeMessage,
  writesFramesIntoItsWords,
  allocatesWasmArraysInTheHost,
  beginsOutsideItsMemory,
  branchesToAMillionPlaces,
  claimsABillionFunctions,
  declaresAThousandTables,
  declaresLocalsWithoutEnd,
  declaresTwoMemories,
  endsInsideASection,
  hasHalfAMillionFunctions,
  importsAGlobal,
  importsATable,
  importsAnUngrantedFunction,
  importsAnUnknownFunction,
  importsMemory,
  isNoTool,
  isTooLarge,
  moduleIsNoModule,
  nestsItsSourceWithoutEnd,
  nestsWasmBlocksWithoutEnd,
  sharesItsMemory,
  uses64BitMemory,
  waitsOnWasmMemory,
  writesANumberWithoutEnd,
  answersAnotherCall,
  findsOldBytesInNewMemory,
  guessesRandomNumbers,
  leavesHostCallsUnanswered,
  leavesMatchesOfAPattern,
  leavesPromisesForTheNextCall,
  leavesStateForTheNextCall,
  leavesVariablesForTheNextCall,
  leavesWasmGlobalsForTheNextCall,
  leavesWasmMemoryForTheNextCall,
  readsAnotherUsersValues,
  tellsUsersApartNoMore,
  asksWithoutWaiting,
  diesAgainAndAgain,
  floodsTheHost,
  leavesMicrotasksBehind,
  makesTheNextCallPay,
  stormsTheMemory,
  takesEveryProcess,
  asksForAnUnlistedHost,
  asksForAnotherPortOrMethod,
  asksForTheNetworkUnasked,
  floodsTheNetwork,
  hidesAHostInAUrl,
  isRedirectedForEver,
  isRedirectedInside,
  leavesItsPath,
  mixesAddresses,
  namesPrivateAddresses,
  pluginAsksForTheNetwork,
  readsASecretFromAResponse,
  readsWithoutEnd,
  rebindsAName,
  sendsHeadersOfTheConnection,
  sendsTooMuch,
  spellsAddressesOddly,
  takesASecretElsewhere,
  unpacksABomb,
  waitsForADrip,
];

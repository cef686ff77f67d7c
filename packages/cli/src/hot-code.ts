// How V8 compiles a broker that serves. A request that comes alone runs through some hundred functions whose code is no longer in the caches:
// with four times V8's budget for inlining it costs 6 % less processor time. The budget is asked for whenever a function is optimized, so it may
// change while the process runs. Code that was compiled under other flags is compiled anew when it is loaded, Node's own modules included, which
// would make the start longer: so this is done once the broker is ready, and what is to be kept for the next start is written before.
import nodeModule from 'node:module'
import { setFlagsFromString } from 'node:v8'

const INLINED_BYTECODE_BYTES = 4000
/** Of one function. */
const LONGEST_INLINED_BYTECODE_BYTES = 1500

/** To be called once all of the broker is loaded. */
export function optimizeHotCode(): void {
  // Node 22.10 and later.
  const keepCompiledCode: unknown = Reflect.get(nodeModule, 'flushCompileCache')
  if (typeof keepCompiledCode === 'function') keepCompiledCode()
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTECODE_BYTES}`)
  setFlagsFromString(`--max-inlined-bytecode-size=${LONGEST_INLINED_BYTECODE_BYTES}`)
}

// For the suite of vitest in this folder alone.
export default { test: { include: ['vitest.suite.mjs'] } }

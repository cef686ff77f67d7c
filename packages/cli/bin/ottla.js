#!/usr/bin/env node
// A CommonJS file (see package.json beside it): modules are read by the threads whose number is decided here.
const { existsSync } = require('node:fs')
const nodeModule = require('node:module')
const path = require('node:path')

// Files are flushed by these threads. The file system makes flushes that are under way together durable together, so that with 16
// of them a broker that flushes before it acknowledges takes records for about twice as many partitions a second as with Node's 4.
process.env.UV_THREADPOOL_SIZE ??= '16'

const main = path.join(__dirname, '../dist/main.js')
if (!existsSync(main)) {
  console.error('ottla is not built yet. Run: npm run build')
  process.exit(1)
}
// Node 22.8 and later keep compiled code between starts.
nodeModule.enableCompileCache?.()
void import('../dist/main.js')

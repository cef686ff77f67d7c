// What jest does to each file before it runs: the ports of KafkaJS's test brokers become those of the brokers that are there, in specs and
// helpers. OTTLA_SUITE_PORTS has them as JSON.
import { basename, sep } from 'node:path'

const ports: Readonly<Record<string, number>> = JSON.parse(process.env['OTTLA_SUITE_PORTS'] ?? '{}')

/** See above. */
function withPorts(source: string, path: string): { code: string } {
  if (!path.endsWith('.spec.js') && !path.includes(`${sep}testHelpers${sep}`)) return { code: source }
  return {
    code:
      basename(path) === 'randomBytes.spec.js' ? source : source.replaceAll(/\b(?:909[2-9]|9100)\b/g, port => String(ports[port] ?? port)),
  }
}

/** Results must not be taken from the cache of a run with other ports. */
const getCacheKey = (source: string, path: string): string => `${path}:${JSON.stringify(ports)}:${source.length}:${process.hrtime.bigint()}`

export default { process: withPorts, getCacheKey }

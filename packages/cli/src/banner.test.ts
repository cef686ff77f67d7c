import { describe, expect, it } from 'vitest'
import type { BannerFacts } from './banner.ts'
import { bannerLines } from './banner.ts'

const facts: BannerFacts = {
  version: '1.2.3',
  nodeId: 1,
  clusterId: 'x'.repeat(22),
  listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, advertisedHost: 'localhost', advertisedPort: 9092 }],
  directories: ['/data'],
  metrics: 'http://127.0.0.1:9404/metrics',
}

const told = (host: string, advertisedHost: string) =>
  bannerLines({ ...facts, listeners: [{ name: 'IN', host, port: 9092, advertisedHost, advertisedPort: 29_092 }] })[1]

describe('the banner', () => {
  it('says what runs where, and what to type next', () => {
    expect(bannerLines(facts)).toEqual([
      `Ottla 1.2.3 is ready: node 1 of cluster ${'x'.repeat(22)}`,
      '  plaintext localhost:9092',
      '  data      /data',
      '  metrics   http://127.0.0.1:9404/metrics',
      '  produce   echo hello | kcat -b localhost:9092 -t greetings -P',
      '  consume   kcat -b localhost:9092 -t greetings -C -o beginning -e',
    ])
  })

  it('names what clients are told where that is not what it listens on', () => {
    expect(told('', 'localhost')).toBe(
      '  in        localhost:29092 is what clients are told; it listens on all addresses of this machine, port 9092 ' +
        '(clients elsewhere cannot use that address)',
    )
    expect(told('::1', 'kafka')).toBe(
      '  in        kafka:29092 is what clients are told; it listens on [::1]:9092 (kafka must lead here from where clients run)',
    )
  })

  it('has at most eight lines', () => {
    const [one] = facts.listeners
    const listeners = Array.from({ length: 9 }, () => ({ name: 'A', host: '', port: 1, advertisedHost: 'a', advertisedPort: 1, ...one }))
    const lines = bannerLines({ ...facts, listeners })
    expect(lines.length).toBeLessThanOrEqual(8)
    expect(lines[2]).toMatch(/\(and 7 more\)$/)
  })
})

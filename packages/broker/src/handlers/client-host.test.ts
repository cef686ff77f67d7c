import { expect, it } from 'vitest'
import { hostOf } from './client-host.ts'

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['::1', '0:0:0:0:0:0:0:1'],
  ['fe80::0abc:1%eth0', 'fe80:0:0:0:0:0:abc:1%eth0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6'],
  ['::', '0:0:0:0:0:0:0:0'],
])('prints %s as Java does', (address, printed) => expect(hostOf(address)).toBe(printed))

// Addresses of clients as Java prints them (java.net.InetAddress), since tools show them next to those of other brokers.
import { isIPv6 } from 'node:net'

/** IPv4 addresses as they are, also those that a socket of both families maps; IPv6 addresses with all of their eight groups. */
export function hostOf(remoteAddress: string): string {
  if (remoteAddress.startsWith('::ffff:') && remoteAddress.includes('.')) return remoteAddress.slice('::ffff:'.length)
  if (!isIPv6(remoteAddress)) return remoteAddress
  const [address = '', scope] = remoteAddress.split('%')
  const [head = '', tail] = address.split('::')
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0')
  const text = [...before, ...zeros, ...after].join(':')
  return scope === undefined ? text : `${text}%${scope}`
}

const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16).toString(16)))

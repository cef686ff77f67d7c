// The warehouse as the service sees it: over HTTP, slow at times, and not always in the mood.
import type { Order } from './orders.ts'

/** The warehouse does not want this order. Trying again would not change that. */
export class OrderRefused extends Error {
  override name = 'OrderRefused'
  readonly retriable = false
}

/** Has an order shipped. `signal` ends the wait when nobody is interested any more. */
export async function ship({ id, item }: Order, signal: AbortSignal): Promise<void> {
  const url = new URL(`/ship/${item}?order=${id}`, process.env.WAREHOUSE ?? 'http://localhost:8080')
  const { ok, status } = await fetch(url, { method: 'POST', signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) })
  if (status === 404) throw new OrderRefused(`there is no ${item}`)
  if (!ok) throw new Error(`the warehouse says ${status}`)
}

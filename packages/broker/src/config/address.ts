// Addresses of Ottla's own listeners.

/** Reads `host:port`, `[v6]:port`, `:port` (all interfaces) or `port` (this machine). Null where it is none of them. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[(?<v6>[\da-fA-F:.%]{1,64})\]:|(?<host>[\w.-]{0,255}):)?(?<port>\d{1,5})$/.exec(text.trim())
  const port = Number(match?.groups?.port)
  if (!match?.groups || port > 65_535) return null
  return { host: match.groups.v6 ?? match.groups.host ?? '127.0.0.1', port }
}

// A warehouse to try the service with: chairs are there, lamps from the second time on, tables from the fourth time on, and other
// things once somebody says so: `curl -X PUT localhost:8080/stock/unicorn`.
import { createServer } from 'node:http'

const busyTimes = new Map([
  ['chair', 0],
  ['lamp', 1],
  ['table', 3],
])

const server = createServer(({ method, url = '' }, response) => {
  const [, , item = ''] = new URL(url, 'http://warehouse').pathname.split('/')
  const busy = busyTimes.get(item)
  if (method === 'PUT') busyTimes.set(item, 0)
  else if (busy !== undefined) busyTimes.set(item, busy - 1)
  response.statusCode = method === 'PUT' ? 204 : busy === undefined ? 404 : busy > 0 ? 503 : 204
  response.end()
})
server.listen(Number(process.env.PORT ?? 8080), () => {
  const address = server.address()
  console.log(`listening on http://localhost:${typeof address === 'object' ? address?.port : address}`)
})

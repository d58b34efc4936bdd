import { type Agent, type OutgoingHttpHeaders, request } from 'node:http'

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** One GET over a connection of the agent's, its body read and let go. Resolves with the status. */
export function statusOf(
  agent: Agent,
  url: string,
  headers: OutgoingHttpHeaders = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sending = request(url, { agent, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
      response.on('error', reject)
    })
    sending.on('error', reject)
    sending.end()
  })
}

/** @throws Error for any other status than 200: a bench of refusals measures nothing */
export async function get(
  agent: Agent,
  url: string,
  headers: OutgoingHttpHeaders = {},
): Promise<void> {
  const status = await statusOf(agent, url, headers)
  if (status !== 200) throw new Error(`status ${status} of ${url}`)
}

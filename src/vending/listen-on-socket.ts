import { chmod, rm } from 'node:fs/promises'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'

/** Serves HTTP on a unix socket that only our own user may open. */
export async function listenOnSocket(
  fetch: Hono['fetch'],
  socketPath: string,
): Promise<{ close(): Promise<void> }> {
  // A socket file that a killed process left behind would keep us from listening.
  await rm(socketPath, { force: true })
  const server = createAdaptorServer({ fetch })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socketPath, resolve)
  })
  await chmod(socketPath, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeIdleConnections' in server) server.closeIdleConnections()
      }),
  }
}

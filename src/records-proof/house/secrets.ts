import { randomBytes } from 'node:crypto'

export function newWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

/** One of each kind that a sink is reached with, and what has to be hidden of it. */
export function newSecrets() {
  const secret = newWebhookSecret()
  const secretAccessKey = randomBytes(30).toString('hex')
  const routingKey = randomBytes(16).toString('hex')
  const password = randomBytes(24).toString('hex')
  const authorization = `Basic ${password}`
  return {
    ...{ secret, secretAccessKey, routingKey, authorization },
    hidden: [secret.slice('whsec_'.length), secretAccessKey, routingKey, password],
  }
}

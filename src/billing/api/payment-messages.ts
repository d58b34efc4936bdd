import { Hono } from 'hono'
import { RingfenceError } from '../../core/errors.ts'
import type { Payments } from '../payments/payments.ts'
import { nothing, refusal } from './wire.ts'

const BYTES_MAX = 256 * 1024

/** Takes the payment provider's messages: signed ones, byte for byte as they came. */
export function paymentMessages(payments: Payments, log: (line: string) => void): Hono {
  const app = new Hono()
  app.post('/', async (context) => {
    const announced = Number(context.req.header('content-length') ?? '0')
    const body = announced > BYTES_MAX ? undefined : await context.req.text()
    if (body === undefined || body.length > BYTES_MAX) {
      throw new RingfenceError('too_large', 'the message is too large')
    }
    await payments.receive(body, context.req.header('stripe-signature'))
    return new Response(null, { status: 204 })
  })
  app.notFound(nothing)
  app.onError((error) => refusal(error, log))
  return app
}

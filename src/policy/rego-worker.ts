import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type { RegoBundle } from './rego-bundle.ts'

type Opa = typeof import('@open-policy-agent/opa-wasm')

/** Its exports are not found by name. */
const { loadPolicySync } = createRequire(import.meta.url)('@open-policy-agent/opa-wasm') as Opa

/** Pages of 64 KiB: 16 MiB for a bundle's data and one decision. */
const PAGES = { initial: 32, maximum: 256 }

const { module, data } = workerData as RegoBundle
const policy = loadPolicySync(new Uint8Array(module), PAGES)
policy.setData(data as object)

parentPort?.postMessage('ready', [])
parentPort?.on('message', (input: object) => {
  // What it throws ends this thread: what it left behind in its memory goes with it.
  parentPort?.postMessage({ allowed: isAllowed(evaluate(input)) }, [])
})

/** @throws Error that says what the bundle, which throws anything, was missing */
function evaluate(input: object): unknown {
  try {
    return policy.evaluate(input)
  } catch (thrown) {
    throw thrown instanceof Error ? thrown : new Error(JSON.stringify(thrown))
  }
}

/** The first entry point's one result: `true`, or an object with `allow` true. */
function isAllowed(results: unknown): boolean {
  if (!Array.isArray(results) || results.length !== 1) return false
  const { result } = results[0] as { readonly result?: unknown }
  if (typeof result !== 'object' || result === null) return result === true
  return 'allow' in result && result.allow === true
}

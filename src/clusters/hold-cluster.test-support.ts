import { RingfenceError } from '../core/errors.ts'
import { type EmbeddedOptions, startEmbedded } from './embedded-cluster.ts'

// Run by tests as a process of its own: starts the cluster of its argument and stays.
try {
  const options = JSON.parse(process.argv[2] ?? '') as EmbeddedOptions
  const cluster = await startEmbedded(options)
  console.log(`ready ${cluster.pid} ${cluster.admin.host}`)
  process.stdin.on('end', () => void cluster.stop().then(() => console.log('stopped')))
  process.stdin.resume()
} catch (error) {
  if (!(error instanceof RingfenceError)) throw error
  console.log(`refused ${error.code} ${error.message}`)
}

import type { Companion } from './companions.ts'
import { goProgram } from './go-program.ts'

/** Grafana's published schema of dashboards, as its own Go module reads it strictly. No Grafana can be had. */
export async function grafana(): Promise<Companion> {
  const name = 'Grafana'
  const program = await goProgram('dashboard-checker')
  if ('missing' in program) return { name, ...program }
  return {
    name,
    file: 'test/engines/grafana.engine.ts',
    environment: { RINGFENCE_TEST_DASHBOARDS: program.path },
  }
}

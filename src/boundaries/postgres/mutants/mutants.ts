import { type PostgresMutant, sqlMutant } from './postgres-mutant.ts'

/** Every mutant of this boundary. */
export const MUTANTS: readonly PostgresMutant[] = [
  sqlMutant(
    { id: 'pg-rls-disabled', title: 'DISABLE ROW LEVEL SECURITY on a table' },
    () => 'alter table ground.note disable row level security',
  ),
]

import { type PostgresAttack, sight } from './postgres-attack.ts'

/** Every attack of this boundary. */
export const ATTACKS: readonly PostgresAttack[] = [
  sight(
    {
      id: 'pg-select-without-where',
      title: 'SELECT without a WHERE clause',
      kind: 'read',
      references: ['PG-1'],
    },
    () => ['select title, body from ground.note'],
  ),
]

import { pythonCompanion } from './python-companion.ts'
import type { Companion } from './companions.ts'

const VERSION = '1.2.0'

/** Python's ocsf-json-schema, which brings OCSF's own published schema and makes JSON Schema of it. */
export function ocsf(): Promise<Companion> {
  return pythonCompanion({
    name: 'OCSF',
    packages: [`ocsf-json-schema==${VERSION}`],
    directory: `ocsf-json-schema-${VERSION}`,
    imports: 'ocsf_json_schema',
    file: 'test/engines/ocsf.engine.ts',
    variable: 'RINGFENCE_TEST_OCSF_PYTHON',
  })
}

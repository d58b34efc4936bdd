import { boundaryConformance } from '../conformance/conformance.ts'
import { postgresSubject } from './conformance-subject.test-support.ts'

boundaryConformance('PostgreSQL', () => postgresSubject())

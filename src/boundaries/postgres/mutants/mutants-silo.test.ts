import { tryMutants } from './try-mutants.test-support.ts'

tryMutants('silo')

/** What is wrong with a store, and in which part of it: `policies/doctors-read`. */
export interface StoreProblem {
  readonly where: string
  readonly message: string
}

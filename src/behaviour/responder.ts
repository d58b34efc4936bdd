import type { Act, Detector, Finding } from './finding.ts'

/** What is done about a finding, for a while. */
export interface Response {
  readonly id: string
  readonly act: Act
  readonly detector: Detector
  readonly reason: string
  readonly until: Date
}

export interface ResponseAsked {
  readonly finding: Finding
  readonly act: Act
  readonly reason: string
  readonly until: Date
}

/** Who ends a response before its time, and why. */
export interface Undo {
  readonly by: string
  readonly reason: string
}

/** Does what detectors ask for. Whatever it does is in a log, in the transaction that does it. */
export interface Responder {
  /**
   * @returns undefined when the same is in force already, or as much as there may be
   * @throws RingfenceError `invalid_argument` for what may not be done, `engine_unavailable`: nothing is
   *   done
   */
  begin(asked: ResponseAsked): Promise<Response | undefined>
  /** Carries on what is to last, and ends what is over. @throws RingfenceError `engine_unavailable` */
  look(): Promise<void>
  /** @throws RingfenceError `not_found`, `engine_unavailable` */
  undo(id: string, undo: Undo): Promise<void>
}

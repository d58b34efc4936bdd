import { z } from 'zod'

const seconds = (most: number) => z.int().min(1).max(most)

/** How often is too often. */
const windowSchema = (count: number, within: number) =>
  z
    .strictObject({
      /** More than so many … */
      moreThan: z.int().min(1).max(1_000).default(count),
      /** … in so many seconds. */
      seconds: seconds(3_600).default(within),
    })
    .prefault({})

/** When detectors speak, and how long what is done about it lasts. Everything has a default. */
export const behaviourSettingsSchema = z
  .strictObject({
    /** Hours of a baseline before anything is said of it. */
    warmUpHours: z.int().min(24).max(168).default(168),
    /** How many robust standard deviations above the usual are told. */
    sigmas: z.number().min(3).max(20).default(3),
    /** Fewer in an hour are nothing to tell, however unusual. */
    hourlyAtLeast: z.int().min(5).max(1_000_000).default(30),
    crossTenantCalls: z
      .strictObject({
        /** More than so many percent of what is usual for the grant in five minutes. */
        percent: z.int().min(150).max(100_000).default(500),
        /** Fewer calls than this in five minutes are no spike. */
        atLeast: z.int().min(1).max(10_000_000).default(100),
      })
      .prefault({}),
    invalidClaims: windowSchema(10, 60),
    unauthorisedGrants: windowSchema(3, 600),
    concurrentAddresses: windowSchema(2, 300),
    responses: z
      .strictObject({
        /** False: detectors tell, and nothing is done. */
        carriedOut: z.boolean().default(true),
        blockSeconds: seconds(86_400).default(900),
        sessionSeconds: seconds(7 * 86_400).default(12 * 3_600),
        suspendSeconds: seconds(7 * 86_400).default(3_600),
        /** How long calls under a grant are limited, and a recent sign-in is asked for. */
        limitSeconds: seconds(86_400).default(3_600),
        /** Networks that are never blocked, beside those that are not public: `192.0.2.0/24`. */
        neverBlock: z
          .array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]))
          .max(1_000)
          .default([]),
      })
      .prefault({}),
  })
  .prefault({})
export type BehaviourSettings = z.output<typeof behaviourSettingsSchema>
export type BehaviourSettingsInput = z.input<typeof behaviourSettingsSchema>

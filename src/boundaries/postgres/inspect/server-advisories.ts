/** A known hole in PostgreSQL that bears on keeping tenants apart. */
export interface Advisory {
  readonly id: string
  readonly summary: string
  /** First minor release of each major version without the hole. A major that is not here never had it. */
  readonly fixedIn: Readonly<Record<number, number>>
  /**
   * What closes the hole here although the server has it: none of these rules may have a finding.
   * Absent where nothing but another server closes it.
   */
  readonly closed?: { readonly by: readonly string[]; readonly how: string }
}

/** When this list was last held against PostgreSQL's own (https://www.postgresql.org/support/security/). */
export const ADVISORIES_AS_OF = '2026-11-21'

/** Major versions that Ringfence is made for, and when PostgreSQL's makers stop mending them. */
export const SUPPORTED_MAJORS: Readonly<Record<number, string>> = {
  14: '2026-11-12',
  15: '2027-11-11',
  16: '2028-11-09',
  17: '2029-11-08',
  18: '2030-11-14',
}

const NO_OBJECTS = {
  by: ['pg-create-open', 'pg-temp-open'],
  how: 'tenants create no objects, not even temporary ones',
}
const SESSION_IDENTITY = {
  by: ['pg-guard-missing', 'pg-policy-names-role', 'pg-own-function-altered'],
  how: 'policies name no role and ask for the authenticated login, which SET ROLE does not change',
}

/** Newest first. */
export const ADVISORIES: readonly Advisory[] = [
  {
    id: 'CVE-2026-120154',
    summary: 'INSERT … ON CONFLICT DO UPDATE reads rows that row security hides.',
    fixedIn: { 14: 25, 15: 20, 16: 16, 17: 12, 18: 7 },
    closed: {
      by: ['pg-unique-without-tenant'],
      how: 'the tenant leads every unique key, so that no row of another tenant can be in conflict',
    },
  },
  {
    id: 'CVE-2026-120141',
    summary:
      'Set-returning functions with record types let any user run code as the server\u2019s operating system user.',
    fixedIn: { 14: 25, 15: 20, 16: 16, 17: 12, 18: 7 },
  },
  {
    id: 'CVE-2026-6460',
    summary:
      'Changing the type of an object lets its creator run code as the server\u2019s operating system user.',
    fixedIn: { 14: 25, 15: 20, 16: 16, 17: 12, 18: 7 },
    closed: NO_OBJECTS,
  },
  {
    id: 'CVE-2026-16237',
    summary: 'An upsert through a filtering view writes rows that the view does not show.',
    // Seen to be closed in 15.20; its minor releases in August may have been the first.
    fixedIn: { 14: 25, 15: 20, 16: 16, 17: 12, 18: 7 },
    closed: { by: ['pg-view-writable'], how: 'tenants write through no view' },
  },
  {
    id: 'CVE-2026-16239',
    summary:
      'A cursor that is closed and declared again lets any user run code as the server\u2019s operating system user.',
    fixedIn: { 14: 24, 15: 19, 16: 15, 17: 11, 18: 6 },
  },
  {
    id: 'CVE-2026-14680',
    summary:
      'Functions with internal arguments let any user run code as the server\u2019s operating system user.',
    fixedIn: { 14: 24, 15: 19, 16: 15, 17: 11, 18: 6 },
  },
  {
    id: 'CVE-2026-6473',
    summary:
      'An integer wraparound lets any user write beyond an allocation, and so perhaps run code as the server.',
    fixedIn: { 14: 23, 15: 18, 16: 14, 17: 10, 18: 4 },
  },
  {
    id: 'CVE-2026-6472',
    summary:
      'CREATE TYPE puts a multirange type into a schema without asking, where trusted queries find it.',
    fixedIn: { 14: 23, 15: 18, 16: 14, 17: 10, 18: 4 },
    closed: NO_OBJECTS,
  },
  {
    id: 'CVE-2026-2006',
    summary:
      'Text functions overrun a buffer, which lets any user run code as the server\u2019s operating system user.',
    fixedIn: { 14: 21, 15: 16, 16: 12, 17: 8, 18: 2 },
  },
  {
    id: 'CVE-2025-8713',
    summary:
      'An operator of a user\u2019s own is shown samples of values that row security hides, in views and partitions.',
    fixedIn: { 14: 19, 15: 14, 16: 10, 17: 6 },
    closed: NO_OBJECTS,
  },
  {
    id: 'CVE-2024-10976',
    summary:
      'A cached plan with a sub-query applies the policies of the role that it was made for.',
    fixedIn: { 14: 14, 15: 9, 16: 5, 17: 1 },
    closed: SESSION_IDENTITY,
  },
  {
    id: 'CVE-2024-10978',
    summary: 'SET ROLE may be reset to the wrong role.',
    fixedIn: { 14: 14, 15: 9, 16: 5, 17: 1 },
    closed: SESSION_IDENTITY,
  },
  {
    id: 'CVE-2024-4317',
    summary: 'The views on extended statistics show values of columns that one may not read.',
    fixedIn: { 14: 12, 15: 7, 16: 3 },
    closed: { by: ['pg-system-view-open'], how: 'tenants cannot read those views' },
  },
  {
    id: 'CVE-2023-5869',
    summary:
      'Array subscripts overflow, which lets any user run code as the server\u2019s operating system user.',
    fixedIn: { 14: 10, 15: 5, 16: 1 },
  },
  {
    id: 'CVE-2023-5868',
    summary: 'Some aggregates show bytes of the server\u2019s memory to any user.',
    fixedIn: { 14: 10, 15: 5, 16: 1 },
  },
  {
    id: 'CVE-2023-39418',
    summary: 'MERGE checks its updates against the policies for INSERT.',
    fixedIn: { 15: 4 },
    closed: {
      by: ['pg-guard-missing'],
      how: 'every table has one policy for all commands',
    },
  },
  {
    id: 'CVE-2023-2455',
    summary: 'An inlined function applies the policies of the role that the plan was made for.',
    fixedIn: { 14: 8, 15: 3 },
    closed: SESSION_IDENTITY,
  },
  {
    id: 'CVE-2023-2454',
    summary: 'CREATE SCHEMA evades the search path that protects a function.',
    fixedIn: { 14: 8, 15: 3 },
    closed: NO_OBJECTS,
  },
  {
    id: 'CVE-2022-2625',
    summary: 'The script of an extension takes over objects that a user has put in its way.',
    fixedIn: { 14: 5 },
    closed: NO_OBJECTS,
  },
  {
    id: 'CVE-2022-1552',
    summary:
      'Maintenance of a user\u2019s own table or index runs that user\u2019s code as a superuser.',
    fixedIn: { 14: 3 },
    closed: NO_OBJECTS,
  },
]

-- Clinical notes and messages between patients and clinicians.

create table clinic.note (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  patient_id uuid not null,
  clinician_id uuid not null,
  appointment_id uuid,
  body text not null,
  written_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, patient_id) references clinic.patient (tenant_id, id),
  foreign key (tenant_id, clinician_id) references clinic.clinician (tenant_id, id),
  foreign key (tenant_id, appointment_id) references clinic.appointment (tenant_id, id)
);

create index note_by_patient on clinic.note (tenant_id, patient_id, written_at);
create index note_by_appointment on clinic.note (tenant_id, appointment_id);

create table clinic.message (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  patient_id uuid not null,
  clinician_id uuid not null,
  sender text not null check (sender in ('patient', 'clinician')),
  body text not null,
  sent_at timestamptz not null default now(),
  read_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, patient_id) references clinic.patient (tenant_id, id),
  foreign key (tenant_id, clinician_id) references clinic.clinician (tenant_id, id)
);

create index message_by_patient on clinic.message (tenant_id, patient_id, sent_at);

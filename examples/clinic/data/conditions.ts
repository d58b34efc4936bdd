/** Why a patient comes: the diagnosis, the reason at booking, what is found and what is planned. */
export interface Condition {
  readonly code: string
  readonly reason: string
  readonly finding: string
  readonly plan: string
}

/** Ordered from common to rare; the generator prefers the first ones. */
export const CONDITIONS: readonly Condition[] = [
  {
    code: 'Z00.0',
    reason: 'Annual check-up',
    finding: 'Feels well. Examination unremarkable, BMI stable, skin clear.',
    plan: 'Routine bloods sent. Next check-up in twelve months.',
  },
  {
    code: 'I10',
    reason: 'Blood pressure review',
    finding: 'Home readings average 148/92. No headache, no visual disturbance.',
    plan: 'Amlodipine raised to 10 mg. Recheck pressure and electrolytes in four weeks.',
  },
  {
    code: 'J06.9',
    reason: 'Cough, blocked nose and sore throat',
    finding: 'Afebrile, pharynx mildly red, chest clear on auscultation.',
    plan: 'Fluids, rest, paracetamol as needed. Return if fever lasts beyond three days.',
  },
  {
    code: 'E11.9',
    reason: 'Diabetes follow-up',
    finding: 'HbA1c 7.6 %. Feet: pulses present, monofilament sensation intact.',
    plan: 'Metformin 1 g twice daily continued. Retinal screening and dietitian referral.',
  },
  {
    code: 'Z23',
    reason: 'Influenza vaccination',
    finding: 'No fever, no egg allergy, no earlier reaction to a vaccine.',
    plan: 'Vaccine given in the left deltoid. Observed for fifteen minutes, no reaction.',
  },
  {
    code: 'M54.5',
    reason: 'Low back pain for two weeks',
    finding: 'Paraspinal tenderness L4-L5. Straight leg raise negative, reflexes symmetrical.',
    plan: 'Stay active, ibuprofen with food for five days, physiotherapy referral.',
  },
  {
    code: 'E78.5',
    reason: 'Cholesterol results',
    finding: 'LDL 4.1 mmol/L, ten-year risk 14 %. Family history of early infarction.',
    plan: 'Atorvastatin 20 mg started after discussion. Lipids and ALT in three months.',
  },
  {
    code: 'F41.1',
    reason: 'Anxiety and trouble concentrating',
    finding: 'GAD-7 score 13. Sleeps five hours. No thoughts of self-harm.',
    plan: 'Sertraline 50 mg, cognitive behavioural therapy referral, review in two weeks.',
  },
  {
    code: 'J45.9',
    reason: 'Asthma review',
    finding: 'Night symptoms twice a week. Peak flow 78 % of best, technique corrected.',
    plan: 'Stepped up to combined inhaler. Written action plan given.',
  },
  {
    code: 'K21.9',
    reason: 'Heartburn after meals',
    finding: 'Retrosternal burning, worse lying down. No weight loss, no dysphagia.',
    plan: 'Omeprazole 20 mg for four weeks, raise the head of the bed, late meals avoided.',
  },
  {
    code: 'F32.1',
    reason: 'Low mood',
    finding: 'PHQ-9 score 15. Early waking, lost interest since bereavement. Safe at home.',
    plan: 'Talking therapy referral, mirtazapine 15 mg at night, weekly calls agreed.',
  },
  {
    code: 'J30.1',
    reason: 'Hay fever',
    finding: 'Pale boggy turbinates, itchy eyes, clear discharge since spring.',
    plan: 'Nasal mometasone daily, cetirizine as needed.',
  },
  {
    code: 'L20.9',
    reason: 'Itchy rash in the elbow creases',
    finding: 'Dry lichenified patches in both antecubital fossae, no infection.',
    plan: 'Emollient twice daily, hydrocortisone 1 % for seven days.',
  },
  {
    code: 'N30.0',
    reason: 'Burning on passing urine',
    finding: 'Dipstick positive for nitrite and leucocytes. No loin tenderness, afebrile.',
    plan: 'Nitrofurantoin for three days. Urine sent for culture.',
  },
  {
    code: 'M17.1',
    reason: 'Knee pain on stairs',
    finding: 'Crepitus and small effusion on the right, flexion to 110 degrees.',
    plan: 'Weight-bearing film requested, quadriceps exercises, topical diclofenac.',
  },
  {
    code: 'R53',
    reason: 'Tired all the time',
    finding: 'No red flags. Pallor absent, thyroid not enlarged.',
    plan: 'Full blood count, ferritin, TSH and glucose sent. Review with results.',
  },
  {
    code: 'G43.9',
    reason: 'Recurrent headaches',
    finding: 'Unilateral, throbbing, with nausea, four a month. Fundi and cranial nerves normal.',
    plan: 'Sumatriptan 50 mg for attacks, headache diary, propranolol if more than four.',
  },
  {
    code: 'E03.9',
    reason: 'Thyroid review',
    finding: 'TSH 6.8, free T4 low normal. Cold intolerance, no goitre.',
    plan: 'Levothyroxine raised to 75 micrograms. Repeat TSH in eight weeks.',
  },
  {
    code: 'H61.2',
    reason: 'Blocked ear',
    finding: 'Wax occluding the left canal; drum not seen.',
    plan: 'Olive oil drops for five days, then microsuction.',
  },
  {
    code: 'F51.0',
    reason: 'Cannot sleep',
    finding: 'Falls asleep after two hours. Caffeine until evening, shift work.',
    plan: 'Sleep hygiene, digital CBT-I programme. No hypnotic prescribed.',
  },
  {
    code: 'M75.1',
    reason: 'Shoulder pain lifting the arm',
    finding: 'Painful arc 70 to 120 degrees, strength preserved.',
    plan: 'Physiotherapy for six weeks, then consider subacromial injection.',
  },
  {
    code: 'D50.9',
    reason: 'Low iron',
    finding: 'Haemoglobin 10.4 g/dL, ferritin 7. Heavy periods, no bowel symptoms.',
    plan: 'Ferrous sulphate every other day, gynaecology review, recheck in eight weeks.',
  },
  {
    code: 'F10.1',
    reason: 'Wants to cut down alcohol',
    finding: 'About 45 units a week, no withdrawal. ALT twice the upper limit.',
    plan: 'Motivational interview, reduction plan, thiamine. Partner not to be told.',
  },
  {
    code: 'J44.9',
    reason: 'Breathless on hills',
    finding: 'FEV1 58 % predicted, oxygen saturation 95 %. Thirty pack-years.',
    plan: 'Tiotropium started, pulmonary rehabilitation, smoking cessation support.',
  },
  {
    code: 'Z34.9',
    reason: 'Antenatal visit',
    finding: '24 weeks. Fundal height 24 cm, fetal heart 146, blood pressure 112/70.',
    plan: 'Glucose tolerance test booked. Wishes to keep the pregnancy confidential at work.',
  },
  {
    code: 'I48.9',
    reason: 'Palpitations',
    finding: 'Irregular pulse 96. ECG: atrial fibrillation. CHA2DS2-VASc 3.',
    plan: 'Apixaban 5 mg twice daily, bisoprolol 2.5 mg, echocardiogram requested.',
  },
  {
    code: 'B02.9',
    reason: 'Painful blisters on the chest',
    finding: 'Vesicles in the T5 dermatome on the left, onset two days ago.',
    plan: 'Aciclovir 800 mg five times daily. Avoid contact with pregnant colleagues.',
  },
  {
    code: 'I50.9',
    reason: 'Swollen ankles',
    finding: 'Pitting oedema to mid-calf, basal crackles, weight up 3 kg in a week.',
    plan: 'Furosemide 40 mg, daily weights, urgent echocardiogram and NT-proBNP.',
  },
]

/** How a note begins. */
export const NOTE_OPENINGS = [
  'Seen with partner.',
  'Seen alone.',
  'Telephone review.',
  'Interpreter present.',
  'Attended ten minutes late.',
  'Seen with daughter, who helps with medication.',
  'Returns as planned.',
  'Walk-in after morning clinic.',
]

export const PATIENT_MESSAGES = [
  'Could I move my appointment to the following week? Mornings are best.',
  'The new tablets make me dizzy when I stand up. Should I stop them?',
  'I have lost my prescription. Can you send it to the pharmacy again?',
  'When will my blood results be back?',
  'My pain is much better since the exercises, thank you.',
  'Please do not leave voicemail on the home number.',
  'Do I need to fast before the test on Thursday?',
  'The rash has come back on the other arm. I can send a photo.',
]

export const CLINICIAN_MESSAGES = [
  'Your results are back and nothing needs to be done before we meet.',
  'Please halve the dose and call us if the dizziness does not settle in two days.',
  'The prescription is at your pharmacy now.',
  'No need to fast. Bring your list of medicines, please.',
  'I would like to see you a little earlier: the front desk will call with a time.',
  'That sounds as expected after the injection. Rest it for two days.',
]

export const ALLERGIES = ['none', 'none', 'none', 'penicillin', 'latex', 'peanuts', 'ibuprofen']

export const MEDICATIONS = [
  'none',
  'metformin',
  'amlodipine',
  'salbutamol inhaler',
  'levothyroxine',
  'combined contraceptive pill',
  'sertraline',
  'atorvastatin',
]

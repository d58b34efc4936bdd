/** Word lists that people and places are put together from. Any likeness to a person is chance. */

const words = (text: string) => text.trim().split(/\s+/)

export const FEMALE_NAMES = words(`
  Abena Adriana Agnieszka Aisha Akiko Alma Amara Amina Ana Anjali Anneke Astrid Ayesha Beatriz
  Bethany Bronwen Camila Carmen Chidinma Chloe Clara Daniela Deepa Eilidh Elena Elif Emiko Esther
  Fatima Freya Gabriela Giulia Grace Hadiza Hana Helga Imani Ingrid Isabela Jamila Jasmine Jin
  Joana Kateryna Keiko Kiran Lakshmi Laleh Leila Lena Linh Lucia Maja Malika Maren Marisol Mei
  Meera Miriam Nadia Naomi Ngozi Nia Noor Olga Paloma Parisa Priya Rania Rosa Ruth Saoirse Selma
  Shreya Signe Sofia Sunita Svetlana Tamar Thandiwe Thuy Valentina Wanjiru Xiu Yasmin Yuki Zainab
`)

export const MALE_NAMES = words(`
  Abdul Adewale Ahmed Aleksander Amit Anders Andile Antonio Arjun Arthur Bashir Benedikt Benjamin
  Bilal Bogdan Carlos Cheng Christopher Daiki Daniel Darnell David Diego Dmitri Eduardo Ehsan
  Emeka Emmanuel Enzo Faisal Felix Florian Francisco Gareth George Giorgos Gustavo Hamza Hans
  Haruto Henrik Hiroshi Hugo Ibrahim Imran Isaac Ivan Jabari Jae Jakob Javier Jerome Jorge Jun
  Kamal Kenji Kofi Kwame Lars Leonardo Liam Luis Mahmoud Malik Marcus Mateusz Mehmet Miguel
  Mikhail Minh Mohan Nasser Nikolai Noah Obinna Omar Oscar Pavel Pedro Rafael Rajesh Ravi Samuel
  Sanjay Sione Stefan Tariq Thabo Tomasz Tuan Viktor Vikram Wei Yusuf Zoltan
`)

export const FAMILY_NAMES = words(`
  Abara Abdullahi Achterberg Adeyemi Agarwal Aguilar Ahlstrand Almeida Amsel Andrade Aoki Aslani
  Bajwa Balogun Banerjee Barzani Bergquist Bianchi Boateng Bondarenko Brannigan Calloway Castellano
  Cheng Chukwu Cisneros Contreras Corrigan Dacosta Dahl Delacroix Demir Deshmukh Diallo Dimitrov
  Dlamini Dobrowski Ekwueme Elmasry Erdogan Eskelinen Espinoza Farouk Fernando Ferreira Fitzgerald
  Fontaine Fujimoto Galanis Ghorbani Gill Goldfarb Gomes Grabowski Gupta Haddad Hakimi Halvorsen
  Hashimoto Hendricks Hossain Huang Ibarra Iyer Jankowski Jaramillo Jeong Jimenez Kamau Kapoor
  Karlsen Katsaros Keller Khumalo Kimura Kovalenko Kruger Kurt Lachance Lindqvist Liu Lombardi
  Lundgren Mahlangu Malhotra Mancini Marchetti Mbeki Medrano Mendoza Mizrahi Mokoena Montoya
  Moreau Musa Nair Nakagawa Navarro Ndiaye Nguyen Nieminen Novotny Nwosu Obi Ochoa Odhiambo
  Okonkwo Olofsson Onwudiwe Ortega Osei Ostrowski Owusu Pacheco Paredes Park Patel Pereira Petrov
  Pham Popescu Quispe Rahimi Ramaswamy Reyes Ribeiro Rosales Rossi Saito Salazar Sandoval Sato
  Schreiber Sequeira Shapiro Sharma Sidibe Silva Sokolov Solberg Sorensen Srinivasan Stavros
  Suzuki Svensson Szabo Takahashi Tanaka Teixeira Thapa Thorne Tkachenko Tran Turay Uchida
  Usman Valdez Vandermeer Varga Vasquez Villalobos Voss Wanjiku Weiss Whitlock Wojcik Xu Yamada
  Yildiz Yoon Zapata Zhang Zielinski Zimmer Zulu
`)

export const PLACES = words(`
  Alderpoint Birchfield Coldwater Dunmarrow Eastferry Fallowmere Greyhaven Hollinbank Ivorsend
  Juniperhill Kestrelford Larkmoor Millbracken Netherwick Oakhollow Pinecrest
`)

export const SPECIALTIES = [
  'Family medicine',
  'Internal medicine',
  'Paediatrics',
  'Cardiology',
  'Orthopaedics',
  'Dermatology',
  'Gynaecology',
  'Neurology',
]

export const PAYERS = [
  'Ostrel Mutual',
  'Kestwick Health Plan',
  'Pallando Care',
  'Brightmoor Assurance',
  'Tavistrand Benefit Fund',
]

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Common first names of several languages, without accents. */
export const FIRST_NAMES = words(`
aaron abdul abigail ada adam adele adrian agnes ahmed aicha aisha alan albert alejandro alex alexander
alexandra alexis alfred ali alice alicia alina allison amanda amara amber amelia amina amir amit amy ana
anastasia andrea andreas andrei andres andrew angela angelina anita anja ann anna anne annette anthony
antoine anton antonio april arjun arthur ashley astrid audrey austin aya ayesha barbara beatrice ben
benjamin bernard beth betty bianca bill birgit bjorn bob boris brandon brenda brian bridget bruce bruno
camille carl carla carlos carmen carol caroline catherine cecilia charles charlotte chen chloe chris
christian christina christine christopher claire clara claudia clemens connor craig cristina cynthia
daisy dan daniel daniela danielle david deborah deepak denise dennis derek diana diego dimitri dmitri
dolores dominic donald donna doris dorothy douglas dylan edith eduardo edward eileen elaine elena eli
elias elisabeth elizabeth ella ellen emil emilia emily emma eric erica erik erika ernest esther ethan
eugene eva evan evelyn fatima felipe felix fernando fiona florence florian frances francesca francis
francisco franz frank fred frederick frida friedrich gabriel gabriela gary george georgia gerald
gerhard giovanni giulia gloria grace grant greg gregory greta guillaume gustav hana hannah hans harold
harry hassan heather heidi heinrich helen helena helga henri henry hiroshi holly hugo hussein ian ibrahim
ida igor ingrid irene iris isabel isabella ivan jack jackson jacob jacqueline jacques jake jakob james
jamie jan jana jane janet janice jasmine jason javier jean jeff jeffrey jennifer jens jeremy jerry
jessica jesus jill jim joan joanna joao joe joel johan johanna johannes john jonas jonathan jordan jorge
jose josef joseph joshua joyce juan juanita judith judy julia julian julie june jurgen justin karen karin
karl kate katharina katherine kathleen kathryn katie kayla keiko keith kelly kenji kenneth kevin khalid
kim klaus kofi kristen kumar kurt kyle lars laura lauren laurent lea leah lena leo leon leonard leonardo
liam lidia lily linda lisa logan lorenzo louis louise luca lucas lucia lucy luigi luis luisa lukas luke
lydia madison mahmoud manuel marc marco marcus margaret margarita maria mariam marie marilyn mario marion
mark markus marta martha martin martina mary mateo mathilde matteo matthew matthias maurice max maya
megan mehmet mei melanie melissa michael michel michelle miguel mila milan mina mohamed mohammed monica
monika morgan muhammad murat nadia nancy naomi natalia natalie natasha nathan neha neil nicholas nick
nicola nicolas nicole niklas nina noah nora norma olaf oleg olga oliver olivia omar oscar otto pablo
paige pamela paola pascal patricia patrick paul paula pauline pavel pedro peter petra philip philipp
pierre pieter priya rachel rafael rahul raj ralph ramon rashid raymond rebecca regina rene renate ricardo
richard rita robert roberto robin rodrigo roger roland rolf roman ronald rosa rose rosemary roy rudolf
russell ruth ryan sabine sakura sally salma samantha samir samuel sandra sandro sara sarah scott sean
sebastian serena sergei sergio shirley silvia simon simone sofia sonia sonja sophia sophie stefan stefania
stella stephanie stephen steve steven stuart sunita susan susanne svetlana sven sylvia takashi tamara tania
tanya tatiana ted teresa terry thandi theo theodore theresa thierry thomas tim timothy tina tobias todd
tom tomas tony tracy tyler ulrich ursula valentina valerie vanessa vera veronica victor victoria vikram
vincent viola virginia vivian vladimir walter wanda wayne wei wendy werner will william wolfgang xavier
yan yasmin yuki yusuf yvonne zachary zainab zoe
`)

/** Common last names of several languages, without accents. */
export const LAST_NAMES = words(`
abbott abdi abe adams agarwal aguilar ahmad ahmed alexander ali allen alonso alvarez andersen anderson
andersson andrews armstrong arnold bailey baker banerjee barnes bauer baumann beck becker bell bennett
berg berger bergmann bernard bianchi black bonnet bose boucher bouvier boyd bradley braun brooks brown
bruno bryant burke burns butler campbell cardoso carlson carpenter carroll carter castillo castro chan
chang chavez chen cheng chopra choi christensen chung clark clarke cohen cole coleman collins colombo
contreras cook cooper costa cox crawford cruz cunningham da daniels das davies davis delgado demir
desai diaz dietrich dixon dubois duncan dunn dupont edwards ellis esposito evans fernandes fernandez
ferrari ferguson fischer fisher fletcher flores ford forster foster fournier fox franklin fraser
freeman friedrich fuchs fujimoto garcia gardner garner gibson gomez gonzales gonzalez gordon graham grant
gray greco green greene griffin gruber guerrero gupta gutierrez haas hahn hall hamilton hansen hansson
harper harris harrison hart hartmann hassan hayes henderson hernandez herrera hoffmann hofmann holm
holmes horvat howard huang hubert huber hughes hunt hunter hussain ibrahim ito ivanov ivanova iyer
jackson jacobs jain james jansen jensen jimenez johansson johnson johnston jones jordan joshi jung kaiser
kang kato kaur keller kelley kelly kennedy khan kim king klein knight kobayashi koch kohler kovac kowalski
kraus kruger kumar kwon lambert lang larsen larsson laurent lawrence lee lefebvre lehmann leroy lewis
li lim lin lindberg liu long lopez lorenz ludwig ma maier malik marino marshall martin martinez mason
matthews mayer mcdonald mehta meier mendez mendoza menon mercier meyer miller mills mitchell mohamed
mohammed molina morales moreau moreno morgan morris morrison muller murphy murray nair nakamura navarro
nelson neumann nguyen nielsen novak nunez obrien oconnor okafor okonkwo oliveira olsen olson ortega ortiz
owens palmer park parker patel patterson pereira perez perkins perry petersen peterson petrov pham
phillips pierce popescu porter powell price ramirez ramos rao reddy reed reid reyes reynolds ricci rice
richards richardson richter rivera roberts robertson robinson rodrigues rodriguez rogers roman romano
romero rose ross rossi roth rousseau roux ruiz russell russo ryan saito salazar sanchez sanders santos
sato schaefer schmid schmidt schmitt schmitz schneider scholz schroder schubert schulz schumacher
schuster schwarz scott sharma shaw silva simmons simpson singh smirnov smith snyder soto souza spencer
stein stephens stevens stewart stone suarez sullivan suzuki svensson takahashi tan tanaka taylor thomas
thompson torres tran tucker turner vargas vasquez verma vincent vogel volkov wagner walker wallace walsh
walter wang ward warren washington watanabe watson weaver weber webb weiss wells werner west white wilson
winkler wolf wong wood woods wright wu yamamoto yang yilmaz yoshida young zhang zhao zhou ziegler zimmermann
`)

/** First names that are words, months, days or places as well: only a last name makes them names. */
export const WORDS_TOO = words(`
amber april austin bill bob chase daisy dan dolores faith florence frank georgia gloria grace grant harry
holly iris ivy jack jackson jade jasmine jordan joy june lily logan madison marina mark max may melody
mercy milan morgan norma paris patience penny pierce rose ruby sandy summer ted terry victor victoria
viola virginia will rich art miles drew chip dean earl gene guy pat ray rob rusty sue van wade
`)

/** Words with a capital that follow a first name without being a last one. */
export const COMMON_WORDS = words(`
street road avenue lane drive court place square park river lake bridge station airport hospital clinic
university college school institute church center centre building house hall hotel museum library county
city town village island beach valley north south east west monday tuesday wednesday thursday friday
saturday sunday january february march april may june july august september october november december
inc llc ltd gmbh corp company group bank foundation university and or the of in on at is was has had will
would could should can may must not no yes please thanks thank hello dear said says asked told wrote came
went with from for to by as an be are were been being do does did have error api http json server client
release version team project award prize act law theorem syndrome disease test report cup day week
`)

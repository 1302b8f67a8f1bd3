"""When two questions are the same in other words, and above all when they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.same_question import FORMAT, folded, key_of, same_question

LEAVE = "How many days of annual leave do I get?"

SAME = [
    (LEAVE, "how many days of annual leave do i get"),
    (LEAVE, "How many vacation days am I entitled to?"),
    (LEAVE, "How much annual leave do employees get?"),
    (LEAVE, "What is the number of annual leave days?"),
    ("How do I submit an expense report?", "What is the process for submitting expenses?"),
    ("Can I work from home on Fridays?", "Am I allowed to work from home on Friday?"),
    ("Can I work from home on Fridays?", "Is working from home on Fridays allowed?"),
    ("What should I do if I lose my laptop?", "What do I do when I lose my laptop?"),
    ("What is the maximum hotel rate?", "What is the highest hotel rate?"),
    ("How long is the probation period?", "What is the length of the probation period?"),
    ("Wie viele Tage Urlaub habe ich?", "wie viele tage urlaub habe ich"),
    ("Why?", "why"),
    ("Do I have to lock my screen?", "Am I required to lock my screen?"),
    ("Where can I find the brand guidelines?", "Where are the brand guidelines?"),
    ("When's the office closed?", "When is the office closed?"),
    ("How long are records kept?", "For how long are records retained?"),
    ("Is there a gym?", "Do we have a gym?"),
    ("How do I reset my password?", "What are the steps to reset my password?"),
    ("How often are performance reviews held?", "How frequently are performance reviews held?"),
    ("What must a visitor sign?", "What do visitors have to sign?"),
    ("To which countries do we ship?", "Which countries do we ship to?"),
    ("Can contractors use the canteen?", "Are contractors allowed to use the canteen?"),
    ("Do interns get paid?", "Are interns paid?"),
    ("Who may sign a lease?", "Who is allowed to sign a lease?"),
    ("How should you work with your manager?", "What is the best way to work with my manager?"),
]

DIFFERENT = [
    (LEAVE, "How many days of sick leave do I get?"),
    (LEAVE, "How many days of annual leave do interns get?"),
    (LEAVE, "How many days of annual leave do managers get?"),
    (LEAVE, "How many days of annual leave do I not get?"),
    (LEAVE, "When do I get my days of annual leave?"),
    (LEAVE, "Who approves days of annual leave?"),
    ("How many days in the first year?", "How many days in the second year?"),
    ("Can I work from home on Fridays?", "Can I work from home on Mondays?"),
    ("Can I work from home on Fridays?", "Can I not work from home on Fridays?"),
    ("Do I work on Fridays?", "Can I work on Fridays?"),
    ("Must I wear a badge?", "May I wear a badge?"),
    ("Which expenses are reimbursed?", "Which expenses are not reimbursed?"),
    ("What is the limit with a receipt?", "What is the limit without a receipt?"),
    ("What do I do before a trip?", "What do I do after a trip?"),
    ("How do I enable two-factor authentication?", "How do I disable two-factor authentication?"),
    ("What is the maximum hotel rate?", "What is the minimum hotel rate?"),
    ("What is the per diem in Berlin?", "What is the per diem in Munich?"),
    ("What is the deadline for the 2023 form?", "What is the deadline for the 2024 form?"),
    ("What is the limit for thirty days?", "What is the limit for forty days?"),
    ("What is the warranty on Model X200?", "What is the warranty on Model X300?"),
    ("Can employees hire contractors?", "Can contractors hire employees?"),
    ("How do I upgrade from version 2 to version 3?", "How do I upgrade from version 3 to version 2?"),
    ("Which data of employees do we store?", "Which data do we store?"),
    ("Who gets the bonus?", "Who gives the bonus?"),
    ("Which documents do I need?", "Which documents do I get?"),
    ("Will you keep my data? If yes, why?", "Will you keep my data? If yes, how?"),
    ("What was the revenue last year?", "What is the revenue this year?"),
    ("How do I submit an expense report?", "How do I correct an expense report?"),
    ("How many weeks of maternity leave are paid?", "How many weeks of paternity leave are paid?"),
    ("Is overtime paid?", "Is overtime allowed?"),
    ("Wie viele Tage Urlaub habe ich?", "Wie viele Tage Urlaub habe ich nicht?"),
    ("Wie viele Tage Urlaub habe ich?", "Wie viele Tage Sonderurlaub habe ich?"),
    ("When was the form due?", "When is the form due?"),
    ("Who decided about promotions?", "Who decides about promotions?"),
    ("Who may sign a lease?", "Who must sign a lease?"),
    ("How much can I spend on lunch?", "How much did we spend on lunch?"),
    ("Which countries do we ship to?", "Which countries do we ship from?"),
    ("Can you see my files?", "Can I see your files?"),
    ("Who can see my salary?", "Who can see their salary?"),
    ("Is travel time paid?", "Is travel paid in time?"),
    ("", ""),
    ("?", "!"),
]

#: Who does what to whom, words that look idle, and rules that could go too far: none of it may be lost.
MISLEADING = [
    ("Who pays for the training?", "Who is paid for training?"),
    ("When do I get paid?", "When do I pay?"),
    ("Who do I ask for leave?", "Who can ask for leave?"),
    ("Who reports to the CFO?", "Who does the CFO report to?"),
    ("Who can I lend a laptop?", "Who can lend a laptop?"),
    ("May I receive gifts?", "May I gift?"),
    ("How do I get reimbursed?", "How do I reimburse?"),
    ("How do I receive invoices?", "How do I invoice?"),
    ("Who do I inform about an accident?", "Who informs me about an accident?"),
    ("How do I report sick?", "How to report a sick colleague?"),
    # Who does it, and to whom.
    ("Who informs the works council?", "Who is informed by the works council?"),
    ("Who trains the new managers?", "Who do the new managers train?"),
    ("Who must I inform?", "Who must inform me?"),
    ("Who must be informed?", "Who must inform?"),
    ("Who hires?", "Who is hired?"),
    ("Who manages the managers?", "Who do the managers manage?"),
    ("Who do I call?", "Who calls me?"),
    ("Can I be dismissed?", "Can I dismiss?"),
    ("Can managers see my salary?", "Can I see my manager's salary?"),
    ("Can employees see my salary?", "Can I see my salary?"),
    ("Can employees see their salary?", "Can I see their salary?"),
    ("Can you see my calendar?", "Can I see my calendar?"),
    ("Do you store employee data?", "Do I store employee data?"),
    ("Can I see our files?", "Can I see my files?"),
    ("Can I delete my data?", "Can I delete data?"),
    ("How do I approve my expenses?", "How do I approve expenses?"),
    ("Who approves my leave?", "Who approves leave?"),
    ("Who can I invite?", "Who can invite me?"),
    ("Who invites guests?", "Which guests are invited?"),
    ("Who is my mentor?", "Whose mentor am I?"),
    ("Does the insurer pay the doctor?", "Does the doctor pay the insurer?"),
    ("Is a contractor paid by the client?", "Is the client paid by a contractor?"),
    ("Which employees do managers hire?", "Which employees hire managers?"),
    ("What do I owe the company?", "What does the company owe me?"),
    ("How do I get a badge?", "How do I badge?"),
    ("How do I have my laptop repaired?", "How do I repair my laptop?"),
    ("Do I have leave?", "Do I leave?"),
    ("Who has to be told about a birth?", "Who has to tell about a birth?"),
    ("Can I be recorded in meetings?", "Can I record in meetings?"),
    ("Does my manager rate me?", "Do I rate my manager?"),
    ("Can customers contact employees?", "Can employees contact customers?"),
    ("Is it I who signs or my manager?", "Is it my manager who signs?"),
    ("Which employer do employees sue?", "Which employees sue the employer?"),
    # May, must, should, will.
    ("Can I work from home?", "Must I work from home?"),
    ("When may I submit my timesheet?", "When must I submit my timesheet?"),
    ("Who can approve travel?", "Who approves travel?"),
    ("Who must approve travel?", "Who may approve travel?"),
    ("Should contractors use the canteen?", "Do contractors use the canteen?"),
    ("Will the office close?", "Does the office close?"),
    ("Did the office close?", "Does the office close?"),
    ("Have I submitted my timesheet?", "Do I submit my timesheet?"),
    ("What must I not sign?", "What do I not have to sign?"),
    ("Must I not lock my screen?", "Do I not have to lock my screen?"),
    ("How much money do I have to spend?", "How much money must I spend?"),
    ("Where must I park?", "Where can I park?"),
    ("Why can I not log in?", "Why do I not log in?"),
    # Conditions.
    ("Am I paid if I am ill?", "Am I paid unless I am ill?"),
    ("Can I travel if my manager agrees?", "Can I travel unless my manager agrees?"),
    ("Can I travel with approval?", "Can I travel without approval?"),
    ("Can I travel with approval?", "Can I travel?"),
    ("Is lunch free?", "Is lunch free if I work late?"),
    ("Do I get paid when I am ill?", "Do I get paid?"),
    ("Who decides when I work?", "Who decides if I work?"),
    ("Can I choose when I work from home?", "Can I choose if I work from home?"),
    ("Which leave is paid only for parents?", "Which leave is paid for parents?"),
    ("Can I work while on leave?", "Can I work after leave?"),
    ("May I work because of a holiday?", "May I work despite a holiday?"),
    ("Is the office open even on Sunday?", "Is the office open except on Sunday?"),
    # Negation.
    ("Which employees must not work at night?", "Which employees not at night must work?"),
    ("Why am I paid?", "Why am I not paid?"),
    ("Can't I carry over leave?", "Can I carry over leave?"),
    ("Is overtime unpaid?", "Is overtime paid?"),
    ("Who never pays?", "Who pays?"),
    ("Is nobody exempt?", "Is anybody exempt?"),
    ("Are all employees insured?", "Are not all employees insured?"),
    ("Are all employees insured?", "Are some employees insured?"),
    # Directions, times, comparisons, numbers.
    ("Do I report an accident before the shift?", "Do I report an accident after the shift?"),
    ("How do I move from Rome to Oslo?", "How do I move from Oslo to Rome?"),
    ("Do gifts to clients need approval?", "Do gifts from clients need approval?"),
    ("Who approves more than 500 euros?", "Who approves less than 500 euros?"),
    ("Who approves more than 500 euros?", "Who approves 500 euros?"),
    ("Is a flight cheaper than a train?", "Is a train cheaper than a flight?"),
    ("Is it at least 3 days?", "Is it at most 3 days?"),
    ("Can I start at 7:30?", "Can I start at 7?"),
    ("Is the rate 1.5?", "Is the rate 15?"),
    ("Is the rate .5?", "Is the rate 5?"),
    ("Can I store it at -5 degrees?", "Can I store it at 5 degrees?"),
    ("Is a gift of €50 allowed?", "Is a gift of £50 allowed?"),
    ("Is a discount of 5% allowed?", "Is a discount of 5 allowed?"),
    ("Who teaches C++?", "Who teaches C#?"),
    ("By when must I submit the form?", "When must I submit the form?"),
    ("What time is the meeting?", "What date is the meeting?"),
    ("Until when is the office open?", "From when is the office open?"),
    ("How often is the bonus paid?", "How is the bonus paid?"),
    ("How much leave is left?", "How much leave is taken?"),
    ("How many vacation days do I get?", "How many vacation days do I have left?"),
    ("How many vacation days do I get?", "How many vacation days can I sell?"),
    ("How many laptops do I get?", "How many laptops are there?"),
    ("How many laptops do I get?", "How many laptops do we have?"),
    ("What does plan A cover?", "What does the plan cover?"),
    ("Which documents does level A see?", "Which documents does the level see?"),
    # Deeds.
    ("How do I cancel my badge?", "How do I renew my badge?"),
    ("Who approves leave?", "Who requests leave?"),
    ("Who asks for leave?", "Who approves leave?"),
    ("How do I lend a car?", "How do I borrow a car?"),
    ("How do I sell shares?", "How do I buy shares?"),
    ("How do I turn in my badge?", "How do I turn on my badge?"),
    ("How do I log in?", "How do I log out?"),
    ("How do I sign up?", "How do I sign off?"),
    ("How do I join the pension plan?", "How do I leave the pension plan?"),
    ("What is the process for managers?", "How do I manage?"),
    ("What is the process for invoices?", "How do I invoice?"),
    ("Is parking allowed?", "Is parking included?"),
    # Words of one stem, and of one spelling.
    ("Are customs charged?", "Are customers charged?"),
    ("Who pays the operator?", "Who pays the operation?"),
    ("Which internal systems are used?", "Which interns' systems are used?"),
    ("Who informs the management?", "Who informs the managers?"),
    ("Who gets an assistant?", "Who gets assistance?"),
    ("Who leads the training?", "Who leads the trainees?"),
    ("Which goods are important?", "Which goods are imported?"),
    ("Who approves communication?", "Who approves communications?"),
    ("Who leads the market?", "Who leads marketing?"),
    ("Who is in charge?", "Who charges?"),
    ("How do I open Windows?", "How do I open a window?"),
    ("Who is the contact for payroll?", "Who contacts payroll?"),
    # Of whom and of what.
    ("Can an intern travel?", "Can a manager travel?"),
    ("How long is leave for a father?", "How long is leave for parents?"),
    ("Who heads sales?", "Who heads purchasing?"),
    ("How do I report an incident in production?", "How do I report an incident in finance?"),
    ("Can colleagues see my calendar?", "Can employees see my calendar?"),
    ("Can I work remotely?", "Can I work from home?"),
    ("How much PTO do I get?", "How many vacation days do I get?"),
    ("What is the deadline for the tax form?", "When is the tax form?"),
    ("What is a gym?", "Is there a gym?"),
    ("Which laptops are lost?", "Which laptops do I lose?"),
    ("Where is the lost property?", "Where do I lose property?"),
    ("Is travel with a partner paid?", "Is travel to a partner paid?"),
    ("What is kept in the archive?", "What keeps the archive?"),
    ("Who covers for me?", "Who do I cover for?"),
    ("Who covers for me?", "Who covers me?"),
    ("Do I have to tell my manager who is ill?", "Do I have to tell who is ill my manager?"),
    # What the rules could take too far.
    ("Who should I inform?", "Who do I inform first?"),
    ("How should you treat guests?", "How do guests treat you?"),
    ("What is our pension plan?", "What is a pension plan?"),
    ("What is the bonus?", "What is a bonus?"),
    ("What are bonuses?", "What are the bonuses?"),
    ("What are our targets?", "What are the targets of our clients?"),
    ("Where do I find a doctor?", "Where is a doctor's office?"),
    ("How long does the training last?", "How long is the last training?"),
    ("Which employees do I inform?", "Which employees inform?"),
    ("Do employees inform customers?", "Do customers inform employees?"),
    ("Must employees be vaccinated?", "Must I vaccinate employees?"),
    ("Do employees get paid?", "Do employees pay?"),
    ("Do interns get paid?", "Do interns get paid leave?"),
    ("Do we get paid for travel?", "Do we pay for travel?"),
    ("Is smoking allowed in cars?", "Is smoking not allowed in cars?"),
    ("Is smoking allowed?", "Who can smoke?"),
    ("Are guests allowed to park?", "Are guests to park?"),
    ("Are guests allowed to park?", "Must guests park?"),
    ("Am I allowed to leave?", "Am I required to leave?"),
    ("Who is allowed to leave?", "Who has to leave?"),
    ("What happens when I leave?", "What happens after I leave?"),
    ("What do I do when I am late?", "What do I do when I am early?"),
    ("What is the amount of the fine?", "What is the reason of the fine?"),
    ("What is the number of the office?", "How many offices are there?"),
    ("What is the number of the hotline?", "How many hotlines are there?"),
    ("What is the phone number of the office?", "How many phones has the office?"),
    ("What is the number of employees?", "What is the number of an employee?"),
    ("What is the number of my account?", "How many accounts do I have?"),
    ("What is the number of my badge?", "How many badges?"),
    ("What is the number of the emergency line?", "How many emergency lines?"),
    ("What is the highest rate?", "What is the lowest rate?"),
    ("Which form is for leave?", "Who is the form for?"),
    ("To whom do I report?", "Who reports to me?"),
    ("From whom do I get it?", "Who gets it from me?"),
    ("For whom do I work?", "Who works for me?"),
    ("With whom can I share a room?", "Who can share a room?"),
    ("Who may be reimbursed?", "Who may reimburse?"),
    ("Where should I not park?", "Where can I not park?"),
    ("Where should I not park?", "Where do I not park?"),
    ("How can I fail probation?", "How do I not fail probation?"),
    ("How do I ask for feedback?", "How do I give feedback?"),
    ("Can I hand in my notice?", "Can I hand out my notice?"),
    ("What is part A?", "What is a part?"),
    ("Do I have a say?", "Do I say?"),
    ("How to hire a contractor?", "How to hire as a contractor?"),
    ("How to train?", "How is one trained?"),
    ("Is travelling paid?", "Am I paid while travelling?"),
    ("Which bike is insured?", "Which motorbike is insured?"),
    ("How long is probation for interns?", "How long is probation?"),
    ("What is the way to Rome?", "How do I get to Rome?"),
    ("Must I have my manager sign?", "Must I sign for my manager?"),
    ("Which data must be deleted?", "Which data must be kept?"),
    ("What did I do wrong?", "What do I do wrong?"),
    ("Are managers' expenses paid?", "Are expenses of managers' guests paid?"),
    ("How many days of sick leave do I get?", "How many days of annual leave do I get?"),
    ("What is the number of annual leave days of managers?", "What is the number of annual leave days?"),
    ("Do I need to be there?", "Do I need it there?"),
    ("What do I need to bring?", "What can I bring?"),
    ("Where do employees find the policy?", "Where do employees file the policy?"),
    ("Who can employees turn to?", "Who can turn to employees?"),
    ("Should you pay suppliers?", "Do suppliers pay you?"),
    ("Are you required to pay?", "Are you required to be paid?"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_question_in_other_words(one: str, other: str) -> None:
    assert same_question(one, other)
    assert same_question(other, one)
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT + MISLEADING)
def test_one_word_makes_another_question(one: str, other: str) -> None:
    assert not same_question(one, other)
    assert not same_question(other, one)


WORDS = st.sampled_from(
    """
    how many days of annual leave do i get who approves expenses not before after 3 berlin the can must employees hire
    contractors first when is paid maximum it's from to why
    """.split()  # noqa: SIM905 — so many words are easier to read as a text
)
QUESTIONS = st.lists(WORDS, max_size=7).map(" ".join) | st.text(max_size=30)


@given(QUESTIONS, QUESTIONS)
def test_what_is_the_same_has_the_same_key_both_ways_round(one: str, other: str) -> None:
    is_same = same_question(one, other)
    assert is_same == same_question(other, one)
    assert not is_same or key_of(one) == key_of(other)


@given(QUESTIONS)
def test_a_question_is_the_same_as_itself_in_capitals_and_without_its_mark(question: str) -> None:
    assert same_question(question, f"  {question} ?") == bool(folded(question))


@given(st.text(max_size=3000))
def test_a_key_says_its_format_and_is_never_long(question: str) -> None:
    key = key_of(question)
    assert key.startswith(f"{FORMAT}|")
    assert len(key) <= 500


def test_the_keys_of_this_format_are_these() -> None:
    """They are stored: with other rules the format needs another number, so that `kyo migrate` makes them anew."""
    assert (FORMAT, key_of(LEAVE)) == ("2", "2|how many vacation")
    assert key_of("Who approves the form after 3 days, by email?") == "2|who approve form after 3 day by email"
    assert key_of("What must I do?") == "2|what must i do"
    assert key_of("?") == "2|="

"""Questions of staff, each group the same question in other words; written for `benchmarks/gaps.py`."""

PARAPHRASES: tuple[tuple[str, ...], ...] = (
    (
        "How many days of parental leave do I get?",
        "What is the length of parental leave?",
        "How long can I stay at home after my child is born?",
        "parental leave duration",
    ),
    (
        "How do I claim travel expenses?",
        "Where do I submit receipts from a business trip?",
        "What is the process for getting travel costs reimbursed?",
        "reimbursement of travel expenses",
    ),
    (
        "Can I work from another country for a month?",
        "Is remote work abroad allowed?",
        "May I work remotely from outside the country?",
        "working from abroad rules",
    ),
    (
        "How do I reset my VPN password?",
        "My VPN password has expired, what do I do?",
        "VPN password reset",
        "Where can I change the password for the VPN?",
    ),
    (
        "Who approves overtime?",
        "Do I need approval for overtime?",
        "Whose permission is needed to work extra hours?",
    ),
    (
        "Can I bring my dog to the office?",
        "Are pets allowed at work?",
        "Is it OK to bring a dog to the office?",
        "dogs in the office",
    ),
    (
        "What is the budget for training courses?",
        "How much money can I spend on training each year?",
        "Is there a yearly learning budget?",
        "training budget per employee",
    ),
    (
        "How do I book a meeting room?",
        "Where can I reserve a conference room?",
        "meeting room booking",
        "How can I reserve a room for a meeting?",
    ),
    (
        "When is payday?",
        "On which day are salaries paid?",
        "What date do we get our salary?",
    ),
    (
        "How do I order a new laptop?",
        "My laptop is old, how can I get a replacement?",
        "Where do I request a new computer?",
        "laptop replacement request",
    ),
    (
        "What should I do if I am ill?",
        "Whom do I tell when I am sick?",
        "How do I report sick leave?",
        "calling in sick procedure",
    ),
    (
        "How much notice do I have to give when I quit?",
        "What is the notice period for resignation?",
        "How long is the notice period if I resign?",
    ),
    (
        "Is there a bicycle leasing program?",
        "Can I lease a bike through the company?",
        "company bike leasing",
    ),
    (
        "Where can I park my car?",
        "Is there parking for employees?",
        "Do we have employee parking spaces?",
        "How do I get a parking permit?",
    ),
    (
        "How do I add my spouse to the health insurance?",
        "Can my partner be covered by the company health plan?",
        "adding a dependent to health insurance",
    ),
    (
        "What is the dress code?",
        "What am I supposed to wear at work?",
        "Is there a dress code in the office?",
    ),
    (
        "Who do I contact about a security incident?",
        "How do I report a phishing email?",
        "Where should I report suspicious emails?",
        "I got a phishing mail, whom do I tell?",
    ),
    (
        "Can unused vacation days be carried over to next year?",
        "Do vacation days expire at the end of the year?",
        "carry over of vacation days",
        "What happens to leave days I did not take?",
    ),
    (
        "How do I get access to the finance dashboard?",
        "Who can give me access to the finance dashboard?",
        "request access finance dashboard",
    ),
    (
        "What is the wifi password for guests?",
        "How do visitors get internet access?",
        "guest wifi access",
        "How can my guest use the wifi?",
    ),
    (
        "Does the company match pension contributions?",
        "How much does the employer pay into the pension?",
        "employer pension contribution",
    ),
    (
        "How often are performance reviews?",
        "When does the next performance review take place?",
        "How frequently do we have performance reviews?",
    ),
    (
        "Can I volunteer during working hours?",
        "Is there paid time off for volunteering?",
        "volunteer days policy",
    ),
    (
        "How do I refer a friend for a job?",
        "Is there a bonus for referring a candidate?",
        "employee referral bonus",
    ),
    (
        "What is our policy on accepting gifts from suppliers?",
        "May I accept a gift from a vendor?",
        "gifts from suppliers allowed?",
    ),
    (
        "How do I change my bank account for payroll?",
        "Where do I update my bank details?",
        "new bank account for my salary",
    ),
    (
        "How do I request sabbatical leave?",
        "Can I take a sabbatical?",
        "Is unpaid sabbatical possible?",
    ),
    (
        "Do we get free coffee?",
        "Is coffee in the kitchen free?",
    ),
    (
        "How many vacation days do I have?",
        "What is the annual vacation allowance?",
        "How much vacation per year?",
    ),
    (
        "Where do I find the printer driver?",
        "How do I install the printer?",
        "printer setup instructions",
    ),
)

"""The names that the demo is made of."""

FIRST = (
    "Ada Amir Ana Ben Bianca Carlos Chloe Daniel Diana Dmitri Elena Emma Ethan Farah Felix Grace Hannah Hugo Ines Isaac Jack Jamal "
    "Joanna Julia Kai Karen Kevin Laila Lars Leo Lucia Luke Maria Marcus Mei Miguel Mila Nadia Nathan Nina Noah Olivia Omar Oscar "
    "Paula Peter Priya Quinn Rachel Ravi Rosa Ruth Sam Sara Sean Sofia Tara Theo Tom Uma Victor Wendy Yara Yusuf Zoe"
).split()
LAST = (
    "Abbott Alvarez Baker Becker Bennett Brooks Carter Chan Cohen Cooper Cruz Davis Diaz Edwards Evans Fischer Flores Foster Garcia "
    "Gibson Gomez Gray Green Hall Hansen Harris Hughes Ito Jackson James Jensen Johnson Kelly Khan Kim King Lee Lewis Lopez Martin "
    "Mason Mehta Meyer Miller Moore Morgan Murphy Nguyen Novak Ortiz Owens Park Patel Perry Price Reed Rivera Roberts Rossi Ryan "
    "Santos Schmidt Scott Shaw Silva Singh Smith Stone Tanaka Taylor Torres Turner Vega Walker Ward Watson White Wong Wood Young"
).split()
COMPANIES = (
    "Bluebird Bakery", "Harbor View Hotel", "Northside Dental", "Maple Street Apartments", "Golden Gate Gym", "Sunrise Daycare",
    "Redwood Brewery", "Bayline Property", "Pine & Co. Realty", "Mission Laundry", "Castro Coffee", "Lakeside Clinic",
    "Oakridge School", "Summit Law Offices", "Fog City Bikes", "Presidio Catering", "Marina Yacht Club", "Telegraph Books",
    "Hillcrest Condominiums", "Westfield Veterinary", "Ocean Beach Motel", "Potrero Print Works", "Sunset Nursery", "Twin Peaks Storage",
)  # fmt: skip
STREETS = "Alder Birch Cedar Dolores Elm Fulton Geary Hayes Irving Judah Kirkham Laguna Market Noriega Oak Pine Quintara Page".split()
CITIES = (
    ("San Francisco", "94110"),
    ("Oakland", "94612"),
    ("Berkeley", "94704"),
    ("Daly City", "94015"),
    ("San Mateo", "94401"),
)
TAGS = ("vip", "maintenance plan", "landlord", "commercial", "referral", "seasonal", "slow payer", "new")

# name, price, minutes
SERVICES = (
    ("Call-out and diagnosis", "89.00", 45), ("Drain cleaning", "149.00", 60), ("Main line hydro jetting", "420.00", 150),
    ("Toilet repair", "129.00", 60), ("Toilet installation", "245.00", 120), ("Faucet replacement", "139.00", 60),
    ("Kitchen sink installation", "289.00", 150), ("Garbage disposal installation", "195.00", 90), ("Water heater service", "159.00", 75),
    ("Tank water heater installation", "690.00", 240), ("Tankless water heater installation", "1150.00", 360),
    ("Leak detection", "225.00", 90), ("Pipe repair", "185.00", 90), ("Repiping, per hour", "125.00", 60),
    ("Gas line inspection", "175.00", 60), ("Sewer camera inspection", "260.00", 75), ("Sump pump installation", "380.00", 180),
    ("Backflow test", "110.00", 45), ("Shower valve replacement", "310.00", 150), ("Bathtub installation", "640.00", 300),
    ("Emergency visit, night", "260.00", 90), ("Emergency visit, weekend", "220.00", 90), ("Annual maintenance visit", "149.00", 90),
    ("Water softener installation", "450.00", 180), ("Dishwasher hook-up", "135.00", 60), ("Washing machine hook-up", "125.00", 60),
    ("Outdoor tap installation", "165.00", 75), ("Radiator bleeding", "95.00", 45), ("Boiler service", "210.00", 120),
    ("Winterization", "140.00", 75),
)  # fmt: skip
# name, price, unit
PRODUCTS = (
    ("Copper pipe 1/2 in", "3.85", "ft"), ("Copper pipe 3/4 in", "5.60", "ft"), ("PEX pipe 1/2 in", "0.92", "ft"),
    ("PEX pipe 3/4 in", "1.48", "ft"), ("PVC pipe 2 in", "2.75", "ft"), ("PVC pipe 4 in", "5.95", "ft"), ("Ball valve 1/2 in", "14.90", "piece"),
    ("Ball valve 3/4 in", "19.40", "piece"), ("Pressure regulator", "79.00", "piece"), ("Expansion tank", "62.00", "piece"),
    ("Wax ring", "6.50", "piece"), ("Fill valve", "17.80", "piece"), ("Flapper", "8.20", "piece"), ("Supply line, braided", "11.40", "piece"),
    ("P-trap 1 1/2 in", "12.30", "piece"), ("Kitchen faucet, chrome", "189.00", "piece"), ("Bathroom faucet, brushed", "149.00", "piece"),
    ("Shower cartridge", "46.00", "piece"), ("Two-piece toilet", "219.00", "piece"), ("One-piece toilet", "389.00", "piece"),
    ("Garbage disposal 1/2 hp", "128.00", "piece"), ("Garbage disposal 3/4 hp", "189.00", "piece"), ("Water heater 40 gal", "740.00", "piece"),
    ("Water heater 50 gal", "860.00", "piece"), ("Tankless heater 8 gpm", "1290.00", "piece"), ("Sump pump 1/3 hp", "168.00", "piece"),
    ("Anode rod", "38.00", "piece"), ("Pipe insulation", "1.35", "ft"), ("Thread sealant", "7.90", "tube"), ("Water filter cartridge", "34.00", "piece"),
)  # fmt: skip

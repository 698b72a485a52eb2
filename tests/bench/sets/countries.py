"""A country → its language, towns, post codes, telephone numbers, legal forms and how they are abbreviated."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.sets import languages as lang
from tests.bench.sets.dirt import Skewed, Weighted


@dataclass(frozen=True)
class Country:
    """One country; a post code's pattern has # for a digit and @ for a letter."""

    code: str
    three: str
    names: tuple[str, ...]
    language: lang.Language
    dial: str
    trunk: str
    postcode: str
    domain: str
    forms: Weighted[tuple[str, ...]]
    cities: Skewed[tuple[str, str]]


def _country(code: str, three: str, names: str, language: lang.Language, dial: str, trunk: str, postcode: str,
             forms: str, cities: str, domain: str = "") -> Country:  # fmt: skip
    """Forms: weight, then the usual spelling and its variants, separated by |. Cities: name=post code prefix."""
    cut = [tuple(part.strip() for part in form.split("|")) for form in forms.split(";")]
    parts = (town.strip().partition("=") for town in cities.split(","))
    towns = [(name, prefix) for name, _, prefix in parts]
    return Country(
        code, three, tuple(names.split("|")), language, dial, trunk, postcode, domain or code.lower(),
        Weighted([(float(form[0]), form[1:]) for form in cut]), Skewed(towns, 0.9),
    )  # fmt: skip


_DE = (
    "50|GmbH|G.m.b.H.|Gesellschaft mit beschränkter Haftung|mbH|Gmbh;14|GmbH & Co. KG|GmbH & Co KG|GmbH&Co.KG|"
    "GmbH u. Co. KG|GmbH & Co. Kommanditgesellschaft;7|AG|Aktiengesellschaft|A.G.;5|KG|Kommanditgesellschaft;5|e.K.|"
    "eK|e.Kfm.|eingetragener Kaufmann;4|OHG|oHG|Offene Handelsgesellschaft;4|GbR|Gesellschaft bürgerlichen Rechts;"
    "5|UG (haftungsbeschränkt)|UG|UG haftungsbeschränkt|Unternehmergesellschaft;2|SE|Societas Europaea;2|eG|e.G.;"
    "1|KGaA|AG & Co. KGaA"
)
_NL = "70|B.V.|BV|Besloten Vennootschap|B.V;8|N.V.|NV;14|V.O.F.|VOF|V.o.f.;5|C.V.|CV;3|Stichting"
_FR = (
    "34|SARL|S.A.R.L.|Sarl|Société à responsabilité limitée;34|SAS|S.A.S.|Société par actions simplifiée;"
    "12|SA|S.A.|Société Anonyme;8|EURL|E.U.R.L.;8|SASU|S.A.S.U.;4|SCI|S.C.I."
)
_GB = "78|Limited|Ltd|Ltd.|LTD;8|PLC|plc|Public Limited Company|P.L.C.;10|LLP|L.L.P.|Limited Liability "
"Partnership;4|CIC"
_US = "45|Inc.|Inc|Incorporated|, Inc.;35|LLC|L.L.C.|Limited Liability Company|, "
"LLC;14|Corporation|Corp.|Corp;6|LP|L.P."
_ES = (
    "70|S.L.|SL|Sociedad Limitada|S. L.;18|S.A.|SA|Sociedad Anónima|S. A.;8|S.L.U.|SLU|Sociedad Limitada Unipersonal;"
    "4|S.Coop.|Sociedad Cooperativa"
)
_SE = "90|AB|Aktiebolag|A.B.;5|HB|Handelsbolag;5|KB|Kommanditbolag"

COUNTRIES = Weighted([
    (16, _country("DE", "DEU", "Germany|Deutschland|Allemagne", lang.GERMAN, "49", "0", "#####", _DE,
     "Berlin=10,Hamburg=20,München=80,Köln=50,Frankfurt am Main=60,Stuttgart=70,Düsseldorf=40,Leipzig=04,Dortmund=44,"
     "Essen=45,Bremen=28,Dresden=01,Hannover=30,Nürnberg=90,Duisburg=47,Bochum=44,Wuppertal=42,Bielefeld=33,Bonn=53,"
     "Münster=48,Karlsruhe=76,Mannheim=68,Augsburg=86,Wiesbaden=65,Mönchengladbach=41,Braunschweig=38,Chemnitz=09,"
     "Kiel=24,Aachen=52,Halle (Saale)=06,Freiburg im Breisgau=79,Krefeld=47,Lübeck=23,Mainz=55,Erfurt=99,Ulm=89,"
     "Würzburg=97,Heilbronn=74,Osnabrück=49,Göttingen=37,Passau=94,Gießen=35,Koblenz=56")),
    (5, _country("AT", "AUT", "Austria|Österreich", lang.GERMAN, "43", "0", "####",
     "65|GmbH|Ges.m.b.H.|Gesellschaft m.b.H.|GesmbH|Gesellschaft mit beschränkter Haftung;12|GmbH & Co KG|GmbH & "
     "Co. KG;"
     "8|AG|Aktiengesellschaft;8|KG|Kommanditgesellschaft;7|e.U.|eU|eingetragenes Unternehmen;4|OG|Offene "
     "Gesellschaft",
     "Wien=1,Graz=80,Linz=40,Salzburg=50,Innsbruck=60,Klagenfurt=90,Villach=95,Wels=46,St. Pölten=31,Dornbirn=68,"
     "Steyr=44,Bregenz=69,Leoben=87,Krems=35,Kufstein=63")),
    (5, _country("CH", "CHE", "Switzerland|Schweiz|Suisse", lang.GERMAN, "41", "0", "####",
     "58|AG|Aktiengesellschaft|A.G.|SA;32|GmbH|Gesellschaft mit beschränkter "
     "Haftung|Sàrl;6|Einzelfirma|Einzelunternehmen;"
     "4|Kollektivgesellschaft|KlG",
     "Zürich=80,Genf=12,Basel=40,Lausanne=10,Bern=30,Winterthur=84,Luzern=60,St. Gallen=90,Lugano=69,Biel=25,Thun=36,"
     "Zug=63,Chur=70,Schaffhausen=82,Fribourg=17,Aarau=50")),
    (6, _country("NL", "NLD", "Netherlands|Nederland|The Netherlands", lang.DUTCH, "31", "0", "#### @@", _NL,
     "Amsterdam=10,Rotterdam=30,Den Haag=25,Utrecht=35,Eindhoven=56,Groningen=97,Tilburg=50,Almere=13,Breda=48,"
     "Nijmegen=65,"
     "Arnhem=68,Haarlem=20,Enschede=75,Zwolle=80,Leiden=23,Maastricht=62,Dordrecht=33,Apeldoorn=73,"
     "'s-Hertogenbosch=52,"
     "Venlo=59")),
    (4, _country("BE", "BEL", "Belgium|België|Belgique", lang.DUTCH, "32", "0", "####",
     "50|BV|B.V.|BVBA|Besloten Vennootschap|SRL;40|NV|N.V.|Naamloze Vennootschap|SA;6|CV|C.V.|CVBA;4|VOF|V.O.F.",
     "Brussel=10,Antwerpen=20,Gent=90,Charleroi=60,Luik=40,Brugge=80,Namen=50,Leuven=30,Mechelen=28,Aalst=93,"
     "Kortrijk=85,"
     "Hasselt=35,Genk=36,Roeselare=88,Turnhout=23")),
    (1, _country("LU", "LUX", "Luxembourg|Luxemburg", lang.FRENCH, "352", "", "####",
     "60|S.à r.l.|SARL|Sàrl|S.a.r.l.;40|S.A.|SA|Société Anonyme",
     "Luxembourg=1,Esch-sur-Alzette=4,Differdange=45,Dudelange=34,Ettelbruck=90,Strassen=80,Bertrange=80")),
    (9, _country("FR", "FRA", "France|Frankreich", lang.FRENCH, "33", "0", "#####", _FR,
     "Paris=75,Marseille=130,Lyon=690,Toulouse=31,Nice=06,Nantes=44,Montpellier=34,Strasbourg=67,Bordeaux=33,"
     "Lille=59,"
     "Rennes=35,Reims=51,Saint-Étienne=42,Toulon=83,Le Havre=76,Grenoble=38,Dijon=21,Angers=49,Nîmes=30,"
     "Villeurbanne=69,"
     "Clermont-Ferrand=63,Aix-en-Provence=13,Brest=29,Limoges=87,Tours=37,Amiens=80,Metz=57,Besançon=25,Orléans=45,"
     "Rouen=76,Mulhouse=68,Caen=14,Nancy=54,Avignon=84,Poitiers=86,La Rochelle=17,Pau=64")),
    (9, _country("GB", "GBR", "United Kingdom|UK|Great Britain|England", lang.ENGLISH, "44", "0", "@# #@@", _GB,
     "London=E,Birmingham=B,Leeds=LS,Glasgow=G,Sheffield=S,Manchester=M,Edinburgh=EH,Liverpool=L,Bristol=BS,"
     "Cardiff=CF,"
     "Leicester=LE,Coventry=CV,Nottingham=NG,Newcastle upon Tyne=NE,Sunderland=SR,Brighton=BN,Hull=HU,Plymouth=PL,"
     "Stoke-on-Trent=ST,Wolverhampton=WV,Derby=DE,Swansea=SA,Southampton=SO,Aberdeen=AB,Northampton=NN,Norwich=NR,"
     "Luton=LU,Swindon=SN,Bradford=BD,Reading=RG,Belfast=BT,York=YO,Oxford=OX,Cambridge=CB", "co.uk")),
    (2, _country("IE", "IRL", "Ireland|Éire|Republic of Ireland", lang.ENGLISH, "353", "0", "@## @#@#",
     "85|Limited|Ltd|Ltd.|Teoranta;8|DAC|Designated Activity Company;4|PLC|plc;3|Unlimited Company|UC",
     "Dublin=D,Cork=T,Limerick=V,Galway=H,Waterford=X,Drogheda=A,Dundalk=A,Swords=K,Bray=A,Navan=C,Kilkenny=R,"
     "Sligo=F")),
    (8, _country("US", "USA", "United States|USA|United States of America|U.S.A.", lang.ENGLISH, "1", "", "#####",
    _US,
     "New York=100,Los Angeles=900,Chicago=606,Houston=770,Phoenix=850,Philadelphia=191,San Antonio=782,San "
     "Diego=921,"
     "Dallas=752,Austin=787,San Jose=951,Jacksonville=322,Columbus=432,Charlotte=282,San Francisco=941,"
     "Indianapolis=462,"
     "Seattle=981,Denver=802,Boston=021,Nashville=372,Detroit=482,Portland=972,Las Vegas=891,Memphis=381,"
     "Louisville=402,"
     "Baltimore=212,Milwaukee=532,Albuquerque=871,Kansas City=641,Atlanta=303,Omaha=681,Miami=331,Minneapolis=554,"
     "Tulsa=741,Tampa=336,New Orleans=701,Cleveland=441,St. Louis=631,Pittsburgh=152,Cincinnati=452", "com")),
    (2, _country("CA", "CAN", "Canada", lang.ENGLISH, "1", "", "@#@ #@#",
     "45|Inc.|Inc|Incorporated;35|Ltd.|Ltd|Limited;20|Corp.|Corporation",
     "Toronto=M,Montréal=H,Calgary=T,Ottawa=K,Edmonton=T,Winnipeg=R,Vancouver=V,Québec=G,Hamilton=L,Halifax=B,"
     "Regina=S")),
    (5, _country("ES", "ESP", "Spain|España", lang.SPANISH, "34", "", "#####", _ES,
     "Madrid=280,Barcelona=080,Valencia=460,Sevilla=410,Zaragoza=500,Málaga=290,Murcia=300,Palma=070,Bilbao=480,"
     "Alicante=030,"
     "Córdoba=140,Valladolid=470,Vigo=362,Gijón=332,Granada=180,A Coruña=150,Vitoria=010,Elche=032,Oviedo=330,"
     "Pamplona=310,"
     "Almería=040,San Sebastián=200,Burgos=090,Albacete=020,Santander=390,Logroño=260")),
    (1, _country("MX", "MEX", "Mexico|México", lang.SPANISH, "52", "", "#####",
     "80|S.A. de C.V.|SA de CV|S.A. DE C.V.|Sociedad Anónima de Capital Variable;20|S. de R.L. de C.V.|S de RL de CV",
     "Ciudad de México=06,Guadalajara=44,Monterrey=64,Puebla=72,Tijuana=22,León=37,Querétaro=76,Mérida=97,Toluca=50",
     "com.mx")),
    (2, _country("PT", "PRT", "Portugal", lang.PORTUGUESE, "351", "", "####-###",
     "72|Lda.|Lda|Limitada|L.da;20|S.A.|SA|Sociedade Anónima;8|Unipessoal Lda.|Unip. Lda|Unipessoal Lda",
     "Lisboa=1,Porto=4,Braga=47,Coimbra=30,Setúbal=29,Aveiro=38,Funchal=90,Leiria=24,Viseu=35,Guimarães=48,Faro=80")),
    (2, _country("BR", "BRA", "Brazil|Brasil", lang.PORTUGUESE, "55", "0", "#####-###",
     "70|Ltda.|Ltda|Limitada|LTDA;16|S.A.|S/A|SA|Sociedade Anônima;10|EIRELI|Eireli;4|ME|Microempresa",
     "São Paulo=01,Rio de Janeiro=20,Brasília=70,Salvador=40,Fortaleza=60,Belo Horizonte=30,Curitiba=80,Recife=50,"
     "Porto Alegre=90,Campinas=13,Joinville=89,Florianópolis=88", "com.br")),
    (7, _country("IT", "ITA", "Italy|Italia", lang.ITALIAN, "39", "", "#####",
     "52|S.r.l.|Srl|SRL|Società a responsabilità limitata|s.r.l.;16|S.p.A.|SpA|SPA|Società per "
     "azioni;12|S.n.c.|Snc|snc;"
     "10|S.a.s.|Sas|sas;6|S.r.l.s.|Srls;4|Soc. Coop.|Società Cooperativa|S.C.",
     "Roma=00,Milano=20,Napoli=80,Torino=10,Palermo=90,Genova=16,Bologna=40,Firenze=50,Bari=70,Catania=95,Venezia=30,"
     "Verona=37,Messina=98,Padova=35,Trieste=34,Brescia=25,Parma=43,Prato=59,Modena=41,Reggio Emilia=42,Perugia=06,"
     "Bergamo=24,"
     "Vicenza=36,Trento=38,Forlì=47,Bolzano=39,Novara=28,Piacenza=29,Ancona=60,Udine=33")),
    (5, _country("PL", "POL", "Poland|Polska|Polen", lang.POLISH, "48", "", "##-###",
     "66|Sp. z o.o.|Sp. z o. o.|Spółka z ograniczoną odpowiedzialnością|sp. z o.o.|Sp.z o.o.;10|S.A.|SA|Spółka "
     "Akcyjna;"
     "10|Sp. j.|Sp.j.|Spółka Jawna;8|s.c.|S.C.|Spółka Cywilna;6|Sp. k.|Sp.k.|Spółka Komandytowa|Sp. z o.o. Sp. k.",
     "Warszawa=00,Kraków=30,Łódź=90,Wrocław=50,Poznań=60,Gdańsk=80,Szczecin=70,Bydgoszcz=85,Lublin=20,Katowice=40,"
     "Białystok=15,Gdynia=81,Częstochowa=42,Radom=26,Toruń=87,Sosnowiec=41,Kielce=25,Rzeszów=35,Gliwice=44,Zabrze=41,"
     "Olsztyn=10,Bielsko-Biała=43")),
    (2, _country("CZ", "CZE", "Czech Republic|Česko|Czechia|Česká republika", lang.CZECH, "420", "", "### ##",
     "78|s.r.o.|spol. s r.o.|s. r. o.|společnost s ručením omezeným;18|a.s.|akciová společnost|a. s.;4|v.o.s.|k.s.",
     "Praha=1,Brno=60,Ostrava=70,Plzeň=30,Liberec=46,Olomouc=77,České Budějovice=37,Hradec Králové=50,Pardubice=53,"
     "Zlín=76,"
     "Kladno=27,Jihlava=58")),
    (1, _country("SK", "SVK", "Slovakia|Slovensko|Slovak Republic", lang.CZECH, "421", "0", "### ##",
     "84|s.r.o.|spol. s r.o.|s. r. o.;16|a.s.|akciová spoločnosť|a. s.",
     "Bratislava=81,Košice=04,Prešov=08,Žilina=01,Nitra=94,Banská Bystrica=97,Trnava=91,Trenčín=91,Martin=03")),
    (2, _country("HU", "HUN", "Hungary|Magyarország", lang.HUNGARIAN, "36", "06", "####",
     "72|Kft.|Kft|KFT|Korlátolt Felelősségű Társaság;14|Zrt.|Zrt|Zártkörűen Működő Részvénytársaság;4|Nyrt.|Nyrt;"
     "10|Bt.|Bt|Betéti Társaság",
     "Budapest=1,Debrecen=40,Szeged=67,Miskolc=35,Pécs=76,Győr=90,Nyíregyháza=44,Kecskemét=60,Székesfehérvár=80,"
     "Sopron=94")),
    (2, _country("RO", "ROU", "Romania|România", lang.ROMANIAN, "40", "0", "######",
     "84|S.R.L.|SRL|Srl|Societate cu Răspundere Limitată;14|S.A.|SA|Societate pe Acțiuni;2|P.F.A.|PFA",
     "București=01,Cluj-Napoca=40,Timișoara=30,Iași=70,Constanța=90,Craiova=20,Brașov=50,Galați=80,Ploiești=10,"
     "Oradea=41,"
     "Sibiu=55,Bacău=60,Arad=31")),
    (1.5, _country("BG", "BGR", "Bulgaria|България", lang.BULGARIAN, "359", "0", "####",
     "50|ООД|Ltd.|OOD|Ltd;36|ЕООД|EOOD|Ltd.|EOOD;12|АД|AD|JSC|A.D.;2|ЕТ|ET",
     "София=1,Пловдив=40,Варна=90,Бургас=80,Русе=70,Стара Загора=60,Плевен=58,Сливен=88,Добрич=93,Шумен=97")),
    (2, _country("GR", "GRC", "Greece|Ελλάδα|Hellas", lang.GREEK, "30", "", "### ##",
     "45|Α.Ε.|A.E.|S.A.|AE;25|Ε.Π.Ε.|E.P.E.|Ltd|EPE;16|Ο.Ε.|O.E.|OE;14|Ι.Κ.Ε.|I.K.E.|P.C.|IKE",
     "Αθήνα=1,Θεσσαλονίκη=54,Πάτρα=26,Πειραιάς=18,Λάρισα=41,Ηράκλειο=71,Βόλος=38,Ιωάννινα=45,Χανιά=73,Καβάλα=65,"
     "Ρόδος=85")),
    (4, _country("SE", "SWE", "Sweden|Sverige|Schweden", lang.SWEDISH, "46", "0", "### ##", _SE,
     "Stockholm=11,Göteborg=41,Malmö=21,Uppsala=75,Västerås=72,Örebro=70,Linköping=58,Helsingborg=25,Jönköping=55,"
     "Norrköping=60,Lund=22,Umeå=90,Gävle=80,Borås=50,Södertälje=15,Eskilstuna=63,Halmstad=30,Växjö=35,Karlstad=65,"
     "Sundsvall=85")),
    (3, _country("DK", "DNK", "Denmark|Danmark|Dänemark", lang.DANISH, "45", "", "####",
     "60|ApS|Aps|Anpartsselskab|A.p.S.;32|A/S|A.S.|Aktieselskab|AS;5|I/S|Interessentskab;3|P/S",
     "København=1,Aarhus=80,Odense=50,Aalborg=90,Esbjerg=67,Randers=89,Kolding=60,Horsens=87,Vejle=71,Roskilde=40,"
     "Herning=74,"
     "Silkeborg=86,Viborg=88,Holstebro=75")),
    (2, _country("NO", "NOR", "Norway|Norge|Norwegen", lang.DANISH, "47", "", "####",
     "92|AS|A/S|Aksjeselskap|A.S.;5|ASA|Allmennaksjeselskap;3|ENK|Enkeltpersonforetak",
     "Oslo=0,Bergen=50,Trondheim=70,Stavanger=40,Drammen=30,Fredrikstad=16,Kristiansand=46,Tromsø=90,Ålesund=60,"
     "Bodø=80")),
    (2, _country("FI", "FIN", "Finland|Suomi|Finnland", lang.FINNISH, "358", "0", "#####",
     "86|Oy|OY|Osakeyhtiö|Oy Ab;5|Oyj|Abp|Julkinen osakeyhtiö;5|Ky|Kommandiittiyhtiö;4|Tmi|Toiminimi",
     "Helsinki=00,Espoo=02,Tampere=33,Vantaa=01,Oulu=90,Turku=20,Jyväskylä=40,Lahti=15,Kuopio=70,Pori=28,Vaasa=65,"
     "Joensuu=80")),
    (1.5, _country("UA", "UKR", "Ukraine|Україна", lang.UKRAINIAN, "380", "0", "#####",
     "70|ТОВ|TOV|LLC|Ltd;16|ПП|PP|PE;10|ПрАТ|PrJSC|PrAT;4|ФОП|FOP",
     "Київ=01,Харків=61,Одеса=65,Дніпро=49,Львів=79,Запоріжжя=69,Вінниця=21,Полтава=36,Чернівці=58,Тернопіль=46,"
     "Луцьк=43",
     "com.ua")),
    (2, _country("TR", "TUR", "Turkey|Türkiye|Türkei", lang.TURKISH, "90", "0", "#####",
     "64|Ltd. Şti.|Ltd Şti|Limited Şirketi|LTD.ŞTİ.;36|A.Ş.|AŞ|Anonim Şirketi|A.S.",
     "İstanbul=34,Ankara=06,İzmir=35,Bursa=16,Adana=01,Gaziantep=27,Konya=42,Antalya=07,Kayseri=38,Mersin=33,"
     "Eskişehir=26",
     "com.tr")),
    (1.5, _country("JP", "JPN", "Japan|日本", lang.JAPANESE, "81", "0", "###-####",
     "86|株式会社|Co., Ltd.|K.K.|Kabushiki Kaisha|Co Ltd;10|有限会社|Y.K.|Yugen Kaisha|Ltd.;4|合同会社|G.K.|LLC",
     "東京都=10,大阪市=53,名古屋市=45,横浜市=22,札幌市=06,福岡市=81,神戸市=65,京都市=60,川崎市=21,仙台市=98,"
     "広島市=73,浜松市=43,"
     "堺市=59,新潟市=95,岡山市=70,熊本市=86,静岡市=42,千葉市=26", "co.jp")),
    (1, _country("AE", "ARE", "United Arab Emirates|UAE|الإمارات", lang.ARABIC, "971", "0", "#####",
     "76|ذ.م.م|LLC|L.L.C.|L.L.C;10|ش.م.ع|PJSC|P.J.S.C.;14|م.م.ح|FZE|FZCO|FZ-LLC",
     "دبي=0,أبوظبي=0,الشارقة=0,عجمان=0,العين=0,رأس الخيمة=0,الفجيرة=0", "ae")),
])  # fmt: skip

#: Names of one town in other languages, or written another way.
EXONYMS = {
    "München": "Munich", "Köln": "Cologne", "Nürnberg": "Nuremberg", "Hannover": "Hanover", "Wien": "Vienna",
    "Frankfurt am Main": "Frankfurt/Main", "Halle (Saale)": "Halle", "Freiburg im Breisgau": "Freiburg",
    "Genf": "Genève",
    "Basel": "Bâle", "Zürich": "Zurich", "Luzern": "Lucerne", "Den Haag": "'s-Gravenhage",
    "'s-Hertogenbosch": "Den Bosch",
    "Brussel": "Bruxelles", "Antwerpen": "Antwerp", "Gent": "Ghent", "Luik": "Liège", "Brugge": "Bruges",
    "Namen": "Namur",
    "Lisboa": "Lisbon", "Porto": "Oporto", "Sevilla": "Seville", "Roma": "Rome", "Milano": "Milan",
    "Napoli": "Naples",
    "Torino": "Turin", "Firenze": "Florence", "Venezia": "Venice", "Genova": "Genoa", "Padova": "Padua",
    "Bolzano": "Bozen",
    "Warszawa": "Warsaw", "Kraków": "Cracow", "Praha": "Prague", "Plzeň": "Pilsen", "București": "Bucharest",
    "Göteborg": "Gothenburg", "København": "Copenhagen", "Helsinki": "Helsingfors", "Turku": "Åbo",
    "Tampere": "Tammerfors",
    "İstanbul": "Istanbul", "İzmir": "Izmir", "Montréal": "Montreal", "Québec": "Quebec City",
    "New York": "New York City",
    "St. Louis": "Saint Louis", "Saint-Étienne": "St-Etienne", "Newcastle upon Tyne": "Newcastle",
    "Hull": "Kingston upon Hull",
    "Ciudad de México": "Mexico City", "Αθήνα": "Athens", "Θεσσαλονίκη": "Thessaloniki", "Πειραιάς": "Piraeus",
    "София": "Sofia", "Київ": "Kyiv", "Одеса": "Odessa", "Львів": "Lvov", "A Coruña": "La Coruña",
    "San Sebastián": "Donostia", "St. Gallen": "Sankt Gallen", "St. Pölten": "Sankt Pölten",
    "Strasbourg": "Straßburg",
}  # fmt: skip

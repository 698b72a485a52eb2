"""A language → the parts its companies, people, streets and small towns are named with."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from random import Random

from tests.bench.sets.dirt import Skewed

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Language:
    """The parts of names of one language; pairs are (written out, abbreviated)."""

    surnames: Skewed[str]
    firsts: Skewed[str]
    name_starts: tuple[str, ...]
    name_ends: tuple[str, ...]
    trades: Skewed[tuple[str, str]]
    adjectives: tuple[str, ...]
    groups: Pairs
    sons: Pairs
    joiner: Pairs
    streets: Pairs
    street_names: tuple[str, ...]
    town_starts: tuple[str, ...]
    town_ends: tuple[str, ...]
    departments: tuple[str, ...]
    number_first: bool = False
    glue: str = " "
    foreign: bool = False
    latin: Callable[[str, Random | None], str] = field(default=lambda text, rng: text)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


def _pairs(text: str) -> Pairs:
    return tuple((full, short or full) for full, _, short in (word.partition("|") for word in _words(text)))


def _language(number_first: bool = False, **parts: str) -> Language:
    return Language(
        surnames=Skewed(_words(parts["surnames"])),
        firsts=Skewed(_words(parts["firsts"])),
        name_starts=_words(parts["name_starts"]),
        name_ends=_words(parts["name_ends"]),
        trades=Skewed(_pairs(parts["trades"])),
        adjectives=_words(parts.get("adjectives", "")),
        groups=_pairs(parts["groups"]),
        sons=_pairs(parts["sons"]),
        joiner=_pairs(parts["joiner"]),
        streets=_pairs(parts["streets"]),
        street_names=_words(parts["street_names"]),
        town_starts=_words(parts["town_starts"]),
        town_ends=_words(parts["town_ends"]),
        departments=_words(parts["departments"]),
        number_first=number_first,
    )


# --- Latin script ----------------------------------------------------------------------------------------
# Streets: ~ stands for the name of the street.

GERMAN = _language(
    surnames="Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter "
    "Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier "
    "Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller "
    "Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke "
    "Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer Vogt Stein Jäger Otto Sommer Groß "
    "Seidel Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn Kühn Pohl Engel Horn Busch Bergmann",
    firsts="Thomas Michael Andreas Peter Stefan Christian Hans Klaus Wolfgang Jürgen Martin Frank Uwe Markus Jörg "
    "Anna Sabine Petra Monika Claudia Birgit Susanne Julia Katrin Heike Karl Heinrich Josef Günter Rüdiger",
    name_starts="Alt Berg Brand Brück Dorn Eich Eisen Falk Feld Fink Gries Grün Haber Hag Heid Hell Hinter Hohen "
    "Holz "
    "Kalt Kirch Kreuz Lind Mitter Nieder Ober Rau Reit Rosen Schön Stau Stein Stolz Sund Tann Wald Wein Wies Zell",
    name_ends="mann bauer berger hofer meier ner er müller stein felder bacher eder thaler egger huber lein brecht "
    "haus ing reiter hauser",
    trades="Maschinenbau|Masch.-Bau Elektrotechnik|E-Technik Bauunternehmen|Bauuntern. Metallbau|Met.bau "
    "Werkzeugbau|WZ-Bau Logistik|Log. Spedition|Sped. Druckerei Möbel Bäckerei|Bäck. Brauerei "
    "Sanitärtechnik|Sanitär Heizungsbau Anlagenbau Kunststofftechnik|Kunstst.technik Verpackungen|Verp. "
    "Landtechnik Autohaus|Auto Holzbau Dachdeckerei Malerbetrieb|Maler Großhandel|GH Handel|Hdl. "
    "Medizintechnik|Med.technik Apotheke|Apo. Gebäudereinigung|Geb.reinigung Softwareentwicklung|Software "
    "Unternehmensberatung|UB Steuerberatung|StB Ingenieurbüro|Ing.-Büro Fördertechnik Antriebstechnik "
    "Automatisierung|Autom. Oberflächentechnik|Oberfl.technik Textil Weinkellerei Fleischerei Gartenbau "
    "Lebensmittel|Lebensm. Transporte|Transp. Reisen Immobilien|Immob. Vertrieb|Vertr. Stahlhandel|Stahlhdl. "
    "Präzisionstechnik|Präz.technik Feinmechanik Umwelttechnik Lichttechnik Kältetechnik",
    adjectives="Nord Süd Rhein Alpen Hanse Bayern Donau Main Elbe Neckar",
    groups="Holding|Hold. Beteiligungs|Bet. Verwaltungs|Verw. Immobilien|Immo. Service|Serv. Vertriebs|Vertr. "
    "Logistik|Log. International|Intl. Gruppe|Grp. Systeme|Sys.",
    sons="&_Söhne|&_S. &_Sohn Gebrüder_~|Gebr._~ &_Partner|&_Part. &_Co.|&_Co Nachfolger|Nachf.",
    joiner="&|u. und|u.",
    streets="~straße|~str. ~weg ~allee ~gasse|~g. Am_~ ~platz|~pl. An_der_~ ~ring Im_~",
    street_names="Haupt Bahnhof Schul Garten Dorf Berg Birken Linden Kirch Wald Ring Industrie Gewerbe Mühlen Wiesen "
    "Goethe Schiller Mozart Beethoven Bismarck Sonnen Rosen Park Feld Brunnen Kloster Markt Burg Eichen Tannen Ahorn "
    "Siemens Daimler Robert-Bosch- Rudolf-Diesel- Hafen Messe Werk Otto-Hahn- Max-Planck- Carl-Benz-",
    town_starts="Ober Unter Nieder Neu Alt Bad_ Hohen Klein Groß Wald Berg Stein Eich Wein Rott Lang Schön Burg",
    town_ends="dorf heim hausen bach berg feld kirchen ingen stadt au furt brunn walde see stetten rode",
    departments="Buchhaltung Einkauf Zentrale Vertrieb Werk_2 Verwaltung Kreditorenbuchhaltung Lager Technik",
)
DUTCH = _language(
    surnames="De_Jong Jansen De_Vries Van_den_Berg Van_Dijk Bakker Janssen Visser Smit Meijer De_Boer Mulder "
    "De_Groot "
    "Bos Vos Peters Hendriks Van_Leeuwen Dekker Brouwer De_Wit Dijkstra Smits De_Graaf Van_der_Meer Van_der_Linden "
    "Kok Jacobs De_Haan Vermeulen Van_den_Heuvel Van_der_Veen Van_den_Broek De_Bruijn Schouten Willems Peeters "
    "Maes Claes Wouters Goossens Mertens Dubois Lambert Dupont Aerts Hermans Michiels Desmet Devos",
    firsts="Jan Piet Kees Willem Hendrik Johan Marieke Anneke Sanne Bram Daan Lotte Femke Bart Koen Wim Els Geert",
    name_starts="Berg Bloem Boer Brand Dijk Groen Haar Hof Kamp Kerk Klein Koren Laar Loon Meer Mole Noord Oost Rooi "
    "Schip Steen Veld Vliet Water West Win Zand Zee",
    name_ends="ma stra huis man mans kens sen broek hoven veld winkel donk aert inga meijer",
    trades="Bouw Bouwbedrijf|Bouwbedr. Techniek|Techn. Transport|Transp. Logistiek|Log. "
    "Installatietechniek|Inst.techn. "
    "Groothandel|Groothdl. Handelsonderneming|Handelsond. Machinefabriek|Machinefabr. Bakkerij Drukkerij "
    "Bloemen Tuinbouw Metaal Metaalbewerking|Metaalbew. Verpakkingen|Verp. Zuivel Schoonmaak Elektro "
    "Automatisering|Autom. Advies Makelaardij Schilderwerken|Schilderw. Scheepsbouw Meubelen Vlees "
    "Voedingsmiddelen|Voeding Kunststoffen|Kunstst. Koeltechniek Interieurbouw Grondverzet Autobedrijf|Auto "
    "Accountants|Acc. Diensten|Dnst. Vastgoed Zaadhandel Staal",
    groups="Holding|Hold. Beheer|Beh. Vastgoed Services|Serv. Groep|Gr. International|Intl. Verkoop Logistiek|Log.",
    sons="&_Zonen|&_Zn. Gebroeders_~|Gebr._~ &_Partners &_Zoon|&_Zn. &_Co|en_Co",
    joiner="&|en en|&",
    streets="~straat|~str. ~weg ~laan|~ln. ~plein ~kade ~gracht ~singel ~steenweg|~stwg. ~dijk",
    street_names="Kerk Dorp School Molen Stations Nieuw Hoofd Wilhelmina Julianas Industrie Haven Beatrix "
    "Prins_Hendrik "
    "Oranje Markt Linden Eiken Beuken Parallel Energie Handels Ambacht Nijverheids Brugse Gent Antwerpse Zee",
    town_starts="Nieuw Oud Zuid Noord Ooster Wester Ap Den Heer Hille Lee Was Veld Maas Bos",
    town_ends="dam dijk veen hoven drecht burg kerk loo rode beek meer wijk voorde zele gem",
    departments="Administratie Inkoop Crediteuren Hoofdkantoor Magazijn Verkoop Afd._Inkoop",
)
FRENCH = _language(
    number_first=True,
    surnames="Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel "
    "Garcia David Bertrand Roux Vincent Fournier Morel Girard André Lefèvre Mercier Dupont Lambert Bonnet François "
    "Martinez Legrand Garnier Faure Rousseau Blanc Guérin Muller Henry Roussel Nicolas Perrin Morin Mathieu Clément "
    "Gauthier Dumont Lopez Fontaine Chevalier Robin Masson Sanchez Gérard Nguyen Boyer Denis Lemaire Duval Joly",
    firsts="Jean Pierre Michel Philippe Alain Nicolas Christophe Frédéric Stéphane Marie Nathalie Isabelle Sylvie "
    "Catherine Céline Hélène Jérôme Rémi Aurélie Benoît",
    name_starts="Bel Beau Char Cour Dela Des Du Fon Gran Lan Le La Mar Mont Pel Pont Roc Saint- Sau Val Vil",
    name_ends="mont tier lard geot cher vreau ssier lain nard ville ret quet pied bert fort nier zac",
    trades="Construction|Constr. Mécanique|Méca. Transports|Transp. Électricité|Élec. Bâtiment|Bât. Plomberie "
    "Menuiserie Boulangerie Imprimerie|Impr. Distribution|Distrib. Industrie|Ind. Industries|Ind. Vins Charpente "
    "Maçonnerie Logistique|Log. Conseil Informatique|Info. Ingénierie|Ingé. Emballages|Emb. Équipements|Équip. "
    "Agencement Fromagerie Textiles Plastiques|Plast. Nettoyage Automobiles|Auto. Peinture Paysages Immobilier|Immo. "
    "Traiteur Négoce Matériaux|Matér. Métallerie Chauffage|Chauff. Solutions Fermetures Boissons Maintenance|Maint.",
    groups="Holding|Hold. Immobilier|Immo. Services|Serv. Participations|Part. Groupe|Grpe International|Intl. "
    "Distribution|Distrib. Logistique|Log.",
    sons="&_Fils|et_Fils &_Associés|&_Ass. Frères|Frs &_Cie|et_Cie Établissements_~|Éts_~ Société_~|Sté_~",
    joiner="&|et et|&",
    streets="Rue_~|R._~ Avenue_~|Av._~ Boulevard_~|Bd_~ Place_~|Pl._~ Chemin_~|Ch._~ Route_~|Rte_~ Impasse_~|Imp._~ "
    "Allée_~ Quai_~",
    street_names="de_la_Gare de_l'Église des_Écoles Victor_Hugo Jean_Jaurès de_la_République du_Général_de_Gaulle "
    "Pasteur des_Lilas de_Paris du_Moulin de_la_Mairie Gambetta Voltaire du_Château de_la_Fontaine des_Tilleuls "
    "de_l'Industrie Émile_Zola Saint-Martin du_8_Mai_1945 de_Verdun des_Peupliers Jules_Ferry de_la_Paix Lafayette",
    town_starts="Saint- Mont Ville Beau Cha La_ Le_ Les_ Cour Fon Roc Bel Ar Ver",
    town_ends="Martin ville mont lieu court gny court zac noy rest Pierre Georges nay tenay fort",
    departments="Comptabilité Service_Achats Siège Direction Dépôt Agence Service_Comptable",
)
ENGLISH = _language(
    number_first=True,
    surnames="Smith Jones Williams Taylor Brown Davies Evans Wilson Thomas Johnson Roberts Robinson Thompson Wright "
    "Walker White Edwards Hughes Green Hall Lewis Harris Clarke Patel Jackson Wood Turner Martin Cooper Hill Ward "
    "Morris Moore Clark Lee King Baker Harrison Morgan Allen James Scott Phillips Watson Davis Parker Price Bennett "
    "Young Griffiths Mitchell Kelly Cook Carter Richardson Bailey Collins Bell Shaw Murphy Miller Cox Khan Marshall "
    "Simpson O'Brien O'Connor McCarthy Fitzgerald Campbell Anderson Stewart MacDonald Murray Reid Garcia Rodriguez",
    firsts="James John Robert Michael William David Richard Thomas Sarah Emma Laura Rachel Helen Karen Susan Paul "
    "Mark Andrew Stephen Kevin Brian Mary Linda Jennifer Patrick Sean Fiona Alan Gareth Simon",
    name_starts="Ash Black Brad Broad Brook Burn Cald Clay Cran Elling Fair Grant Green Had Hart Holl Kirk Lang "
    "Marsh "
    "Nor Oak Pen Rad Red Shel Stan Thorn Wake Wal Whit Wing Win",
    name_ends="ley ton worth ford field man well wood son by shaw ham stock mere bury ridge",
    trades="Engineering|Eng. Construction|Constr. Manufacturing|Mfg Logistics|Log. Plumbing Electrical|Elec. Foods "
    "Bakery Printing Services|Svcs Technologies|Tech Solutions|Soln Consulting|Cons. Builders Haulage "
    "Transport|Transp. "
    "Supplies Plastics Packaging|Pkg Steel Industries|Inds Motors Furniture Textiles Software Marketing|Mktg "
    "Cleaning Roofing Joinery Landscapes Pharmaceuticals|Pharma Medical|Med. Farms Wholesale|Whlse "
    "Distribution|Dist. "
    "Precision_Engineering|Prec._Eng. Property|Prop. Fabrications|Fabs Brewery Hardware|Hdwe Controls "
    "Instruments|Instr. "
    "Associates|Assoc. Systems|Sys Trading|Trdg Components|Comps Equipment|Equip. Lighting Security|Sec.",
    adjectives="National|Natl United Northern Southern Midland Pacific Atlantic Royal General First Central Western",
    groups="Holdings|Hldgs Group|Grp Properties|Props Services|Svcs International|Intl Sales Logistics "
    "Investments|Invs "
    "Management|Mgmt Technologies|Tech",
    sons="&_Sons &_Son Brothers|Bros &_Partners &_Co|and_Co &_Company|&_Co",
    joiner="&|and and|&",
    streets="~_Street|~_St ~_Road|~_Rd ~_Lane|~_Ln ~_Avenue|~_Ave ~_Drive|~_Dr ~_Way ~_Close|~_Cl ~_Boulevard|~_Blvd "
    "~_Court|~_Ct ~_Industrial_Estate|~_Ind._Est. ~_Business_Park|~_Bus._Pk ~_Place|~_Pl",
    street_names="High Station Main Church Park London Victoria Green Mill Queen King New Chapel School North South "
    "West East Manor Oak Maple Cedar Elm Washington Lincoln Lake Hill Walnut River Spring Kings York Springfield "
    "Highfield Bridge Market Albert George Riverside Meadow Cherry Sunset Jefferson",
    town_starts="Ash Brad Bux Chel Dun East_ West_ New Hart King's_ Lang Mill North Old Pem Stan Stow Whit Wood "
    "Green",
    town_ends="ton ham ford bury field wick ley worth port mouth bridge dale burn chester ville",
    departments="Accounts Purchasing Head_Office Accounts_Payable Warehouse Sales_Office Finance_Dept.",
)
SPANISH = _language(
    surnames="García González Rodríguez Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández "
    "Díaz "
    "Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano Blanco "
    "Molina Morales Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz Núñez Iglesias Medina Garrido Cortés "
    "Castillo "
    "Santos Lozano Guerrero Cano Prieto Méndez Cruz Flores Herrera Peña León Márquez Cabrera",
    firsts="Antonio José Manuel Francisco Juan David Javier Daniel Carlos Jesús María Carmen Ana Isabel Laura Pilar "
    "Cristina Marta Lucía Ángel Miguel Rafael Álvaro Sergio",
    name_starts="Al Bar Ber Car Cas Cor Esc Fer Gal Her Lar Mal Mon Nav Or Pal Ri Sal Tor Val Vil Zam",
    name_ends="cedo rero meda rano queta ballo tiel gado rriz tegui zábal lonso reja nedo lares quez",
    trades="Construcciones|Constr. Transportes|Transp. Talleres|Tall. Distribuciones|Distr. Industrias|Ind. "
    "Alimentación|Alim. Electricidad|Elec. Instalaciones|Inst. Muebles Panadería Logística|Log. Vinos Aceites "
    "Conservas Maquinaria|Maq. Suministros|Sum. Servicios|Serv. Ingeniería|Ing. Consultores|Cons. Plásticos|Plást. "
    "Gráficas|Gráf. Hostelería Reformas Automóviles|Autom. Comercial|Com. Informática|Inf. Carpintería "
    "Metálicas|Met. "
    "Envases Frutas Textil Cerámicas Mármoles Limpiezas Asesoría Pinturas Jardinería Exportaciones|Export.",
    groups="Holding|Hold. Inmobiliaria|Inmob. Servicios|Serv. Grupo|Gr. Internacional|Intl. Inversiones|Inv. "
    "Logística|Log. Gestión|Gest.",
    sons="e_Hijos|e_H. Hermanos|Hnos. y_Asociados|y_Asoc. y_Cía.|y_Cia Hijos_de_~|Hjos._de_~",
    joiner="y|& &|y",
    streets="Calle_~|C/_~ Avenida_~|Avda._~ Plaza_~|Pza._~ Paseo_~|Pº_~ Carretera_~|Ctra._~ Camino_~|Cno._~ "
    "Polígono_Industrial_~|Pol._Ind._~ Ronda_~|Rda._~",
    street_names="Mayor de_la_Constitución Real San_José del_Carmen de_España de_Andalucía Cervantes de_la_Iglesia "
    "Nueva de_Madrid del_Sol San_Juan Goya Colón Velázquez de_la_Paz de_Valencia Santa_María Las_Flores Los_Olivos "
    "El_Pino La_Estación Juárez Hidalgo Reforma Insurgentes Morelos",
    town_starts="Villa San_ Santa_ Torre Al Ma Val Fuen Mon Cas Ar Pe",
    town_ends="nueva Martín rejo lar drid tella cón dero María te_del_Río teagudo goza randa",
    departments="Contabilidad Compras Central Administración Delegación Almacén Dpto._Compras",
)
PORTUGUESE = _language(
    surnames="Silva Santos Ferreira Pereira Oliveira Costa Rodrigues Martins Jesus Sousa Fernandes Gonçalves Gomes "
    "Lopes Marques Alves Almeida Ribeiro Pinto Carvalho Teixeira Moreira Correia Mendes Nunes Soares Vieira Monteiro "
    "Cardoso Rocha Neves Coelho Cruz Cunha Pires Ramos Reis Simões Antunes Matos Fonseca Araújo Barbosa Lima Souza",
    firsts="José António João Manuel Carlos Luís Paulo Pedro Maria Ana Isabel Teresa Catarina Inês Sofia Rui Jorge "
    "Conceição Márcio Vinícius",
    name_starts="Al Bar Bel Cam Car Cor Fer Gal Lou Mag Mon Nog Pal Por Que Ser Tav Vas",
    name_ends="queira meida rosa lhães telo reira drigo ares beiro ção beira nha doso lar veira",
    trades="Construções|Constr. Transportes|Transp. Indústria|Ind. Comércio|Com. Metalúrgica|Metal. Têxteis|Têxt. "
    "Alimentos|Alim. Vinhos Móveis Padaria Engenharia|Eng. Logística|Log. Serviços|Serv. Distribuição|Distr. "
    "Plásticos "
    "Calçados Cerâmica Informática|Inf. Consultoria|Cons. Automóveis|Auto Madeiras Embalagens|Emb. Máquinas|Máq. "
    "Equipamentos|Equip. Cortiças Conservas Agrícola|Agr. Farmácia Gráfica Materiais_de_Construção|Mat._Constr.",
    groups="Holding|Hold. Imobiliária|Imob. Serviços|Serv. Grupo|Gr. Internacional|Intl. Participações|Part. "
    "Investimentos|Inv.",
    sons="&_Filhos|e_Filhos Irmãos|Irm. &_Associados|&_Assoc. &_Cia.|e_Cia Herdeiros_de_~|Herd._~",
    joiner="&|e e|&",
    streets="Rua_~|R._~ Avenida_~|Av._~ Praça_~|Pç._~ Travessa_~|Tv._~ Estrada_~|Estr._~ Largo_~|Lg._~ "
    "Rodovia_~|Rod._~",
    street_names="da_Liberdade 25_de_Abril do_Comércio da_Igreja da_República Santo_António de_São_João das_Flores "
    "do_Sol da_Boavista dos_Combatentes Luís_de_Camões Almirante_Reis XV_de_Novembro Sete_de_Setembro Paulista "
    "Tiradentes Dom_Pedro_II da_Indústria das_Acácias Marquês_de_Pombal",
    town_starts="Vila_ São_ Santa_ Monte Ponte_ Alm Cas Pal Gua Ara Ita Pira",
    town_ends="Nova João Maria mor de_Lima ada telo mela ruja raquara pira cicaba guaçu",
    departments="Contabilidade Compras Sede Financeiro Filial Administração",
)
ITALIAN = _language(
    surnames="Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti De_Luca "
    "Mancini "
    "Costa Giordano Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini "
    "Leone "
    "Longo Gentile Martinelli Vitale Lombardo Serra Coppola De_Santis D'Angelo Marchetti Parisi Villa Conte Ferraro "
    "Ferri Fabbri Bianco Marini Grasso Valentini Messina Sala De_Angelis Gatti Pellegrini Palumbo Sanna Farina",
    firsts="Giuseppe Giovanni Antonio Mario Luigi Francesco Marco Andrea Paolo Maria Anna Francesca Laura Giulia "
    "Elena Chiara Roberto Stefano Alessandro Niccolò",
    name_starts="Al Bal Ber Bon Cal Cas Cor Fer Gal Gar Lam Mal Man Mar Mon Pas Pel Ron Sal Tor Ven Zan",
    name_ends="detti rini telli bardi chini zoni sano ghetti ducci nari vati legrini cato lotti goni setti",
    trades="Costruzioni|Costr. Meccanica|Mecc. Trasporti|Trasp. Officine|Off. Impianti|Imp. Elettronica|Elettr. "
    "Arredamenti|Arred. Alimentari|Alim. Vini Pasticceria Logistica|Log. Industrie|Ind. Ceramiche|Cer. Tessuti "
    "Plastica Carpenteria|Carp. Stampi Informatica|Inf. Servizi|Serv. Edilizia|Ed. Marmi Ferramenta Salumi "
    "Caseificio "
    "Calzature Imballaggi|Imb. Automazioni|Autom. Termoidraulica|Termoidr. Commerciale|Comm. Acciai Macchine Gomma "
    "Autotrasporti|Autotr. Lavorazioni|Lav. Confezioni|Conf. Legnami Pulizie Vetreria Torneria Elettrica",
    groups="Holding|Hold. Immobiliare|Immob. Servizi|Serv. Gruppo|Gr. International|Intl. Finanziaria|Fin. "
    "Partecipazioni"
    "|Part. Logistica|Log.",
    sons="&_Figli|e_Figli F.lli_~|Fratelli_~ &_C.|e_C. &_Associati|&_Ass. di_~",
    joiner="&|e e|&",
    streets="Via_~|V._~ Viale_~|V.le_~ Piazza_~|P.za_~ Corso_~|C.so_~ Strada_~|Str._~ Largo_~|L.go_~ Vicolo_~|Vic._~",
    street_names="Roma Garibaldi Mazzini Dante_Alighieri Cavour Verdi Matteotti della_Repubblica dell'Industria "
    "XXV_Aprile "
    "IV_Novembre Marconi Leopardi Piave San_Francesco Europa dei_Mille Trento del_Lavoro Leonardo_da_Vinci Manzoni "
    "della_Stazione Galileo_Galilei dell'Artigianato Milano Torino Vittorio_Veneto",
    town_starts="San_ Castel Monte Villa Borgo_ Cas Pon Mon Rovi Ca Ver",
    town_ends="Giovanni franco rosso nuova tegrado salto dino rate gliano zano cello bello",
    departments="Amministrazione Ufficio_Acquisti Sede Contabilità Magazzino Filiale Uff._Acquisti",
)
POLISH = _language(
    surnames="Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski "
    "Kozłowski Jankowski Mazur Wojciechowski Kwiatkowski Krawczyk Kaczmarek Piotrowski Grabowski Zając Pawłowski "
    "Michalski Król Wieczorek Jabłoński Wróbel Nowakowski Majewski Olszewski Stępień Malinowski Jaworski Adamczyk "
    "Dudek Nowicki Pawlak Górski Witkowski Walczak Sikora Baran Rutkowski Michalak Szewczyk Ostrowski",
    firsts="Jan Andrzej Piotr Krzysztof Stanisław Tomasz Paweł Marcin Michał Grzegorz Anna Maria Katarzyna "
    "Małgorzata "
    "Agnieszka Barbara Ewa Łukasz Zbigniew Józef",
    name_starts="Bor Brze Czar Dobr Gór Jan Kamień Kas Lip Łuk Mal Mar Mir Ols Pław Ros Sok Star Szcz Tar Wit Zab",
    name_ends="owski ewski iński czak czyk iak ecki icki ek nik ański ak orz or",
    trades="Budownictwo|Bud. Transport|Transp. Handel|Handl. Usługi|Usł. Produkcja|Prod. Metal Drewno Meble "
    "Logistyka|Log. "
    "Instalacje|Inst. Elektronika|Elektr. Piekarnia Hurtownia|Hurt. Maszyny|Masz. Opakowania|Opak. Tworzywa_Sztuczne"
    "|Tworz. Drukarnia Nieruchomości|Nier. Spedycja|Sped. Automatyka|Autom. Systemy|Sys. Inżynieria|Inż. Konstrukcje"
    "|Konstr. Stal Okna Szkło Odlewnia Zakład_Mięsny|ZM Mleczarnia Ogrodnictwo|Ogrodn. Doradztwo|Dor. "
    "Oprogramowanie|Opr.",
    groups="Holding|Hold. Nieruchomości|Nier. Serwis|Serw. Grupa|Gr. International|Intl. Inwestycje|Inw. "
    "Logistyka|Log.",
    sons="i_Synowie|i_S-owie Bracia_~|Br._~ i_Wspólnicy|i_Wsp. i_Spółka|i_S-ka",
    joiner="i|& &|i",
    streets="ul._~|~ ulica_~|ul._~ al._~|aleja_~ pl._~|plac_~ os._~",
    street_names="Polna Leśna Słoneczna Krótka Szkolna Ogrodowa Lipowa Brzozowa Łąkowa Kwiatowa Kościelna Sosnowa "
    "Przemysłowa Fabryczna Warszawska Mickiewicza Sienkiewicza Kościuszki Piłsudskiego Jana_Pawła_II 3_Maja "
    "Krakowska "
    "Dworcowa Zielona Rolna Składowa Handlowa Robotnicza",
    town_starts="Nowy_ Nowa_ Stary_ Stara_ Bia Gór Kamień Lub Ostro Dąb Mil Zie",
    town_ends="łystok ka sk ów owice in łęka anówek wiec ierz lona_Góra ice",
    departments="Księgowość Dział_Zakupów Centrala Biuro Magazyn Oddział",
)
CZECH = _language(
    surnames="Novák Svoboda Novotný Dvořák Černý Procházka Kučera Veselý Horák Němec Marek Pokorný Pospíšil Hájek "
    "Král "
    "Jelínek Růžička Beneš Fiala Sedláček Doležal Zeman Kolář Navrátil Čermák Vaněk Urban Blažek Kříž Kovář "
    "Horváth Kováč Varga Tóth Nagy Baláž Molnár Szabó Balog Lukáč Polák Kollár Hudák",
    firsts="Jiří Jan Petr Josef Pavel Martin Tomáš Jaroslav Miroslav Zdeněk Marie Jana Eva Hana Anna Lenka Kateřina "
    "Lucie Ľubomír Štefan",
    name_starts="Bár Bla Bře Čer Do Had Ho Hra Jan Kop Kra Kře Lán Mal Mar Pal Pe Pro Šim Ští Tom Vla Zá",
    name_ends="ek ík ský čák vec lík ka ák ánek ný or oš ička eš ček",
    trades="Stavby|Stav. Strojírny|Stroj. Doprava|Dopr. Obchod|Obch. Elektro Kovovýroba|Kovo Nábytek Pekárna Pivovar "
    "Logistika|Log. Tiskárna Sklo Obaly Plasty Technika|Techn. Instalace|Inst. Služby|Sl. Výroba|Výr. "
    "Nástroje|Nástr. "
    "Strojírenství|Stroj. Stavební|Stav. Systémy|Sys. Potraviny|Potr. Dřevo Poradenství|Por. Autoservis|Auto Okna",
    groups="Holding|Hold. Reality Servis|Serv. Skupina|Skup. International|Intl. Invest Logistika|Log.",
    sons="a_syn a_synové Bratři_~|Bří_~ a_partneři|a_part. a_spol.|&_spol.",
    joiner="a|& &|a",
    streets="~ ~_ulice|~ třída_~|tř._~ náměstí_~|nám._~ ulica_~|ul._~",
    street_names="Hlavní Nádražní Školní Zahradní Polní Lesní Průmyslová Krátká Dlouhá Masarykova Husova Komenského "
    "Palackého Jiráskova Nová Květinová Sokolská Lipová Pražská Brněnská Tovární Žižkova Štefánikova Hviezdoslavova",
    town_starts="Nové_ Staré_ Horní_ Dolní_ Velké_ Malé_ Vy Be Hra Kla Ro Ži",
    town_ends="Město Lhota nov ško roun dec dno kytnice lina lava řice ov",
    departments="Účtárna Nákup Centrála Sklad Pobočka Fakturace",
)
HUNGARIAN = _language(
    surnames="Nagy Kovács Tóth Szabó Horváth Varga Kiss Molnár Németh Farkas Balogh Papp Takács Juhász Lakatos "
    "Mészáros "
    "Oláh Simon Rácz Fekete Szilágyi Török Fehér Balázs Gál Kis Szűcs Kocsis Pintér Fodor Orsós Szalai",
    firsts="László István József János Zoltán Sándor Gábor Ferenc Attila Péter Mária Erzsébet Katalin Ilona Éva Anna",
    name_starts="Al Ba Bor Cse De Er Fe Gyö Hor Ka Ke Lu Ma Me Or Pál Sár Sze Tor Ve Zsi",
    name_ends="rényi dai nyi szabó kai tai bai ródi sfai kovics házi csi ngyel lassa",
    trades="Építőipari|Épip. Szállítmányozás|Száll. Kereskedelmi|Ker. Szolgáltató|Szolg. Gépgyártó|Gép. "
    "Fémipari|Fém. "
    "Villamosipari|Vill. Bútor Pékség Logisztika|Log. Nyomda Műanyag|Műa. Ipari|Ip. Élelmiszer|Élelm. "
    "Mezőgazdasági|Mg. "
    "Csomagolás|Csom. Informatika|Inf. Tanácsadó|Tan. Autószerviz|Auto Gépipari|Gépip. Faipari|Fa. Borászat",
    groups="Holding|Hold. Ingatlan|Ingat. Szerviz|Szerv. Csoport|Csop. International|Intl. Invest Logisztika|Log.",
    sons="és_Fiai|&_Fiai Testvérek|Tvs. és_Társa|&_Tsa és_Partnerei",
    joiner="és|& &|és",
    streets="~_utca|~_u. ~_út ~_tér ~_körút|~_krt. ~_köz ~_sor",
    street_names="Petőfi Kossuth Rákóczi Fő Ady_Endre Dózsa_György Béke Szabadság Arany_János Ipari Gyár Kölcsey Bem "
    "Deák_Ferenc Vörösmarty Jókai Széchenyi Bartók_Béla Váci Árpád Hunyadi Akácfa",
    town_starts="Kis Nagy Új Alsó Felső Szent Két Tisza Mező Puszta",
    town_ends="falu vár halom endre kút szentmárton berény kövesd új hegyes telek",
    departments="Könyvelés Beszerzés Központ Raktár Telephely",
)
ROMANIAN = _language(
    surnames="Popa Popescu Ionescu Radu Dumitru Stan Stoica Gheorghe Matei Ciobanu Rusu Constantin Marin Șerban "
    "Lazăr "
    "Moldovan Munteanu Ungureanu Florea Dinu Barbu Nistor Tănase Cristea Mocanu Bălan Dobre Nagy Stanciu Diaconu "
    "Vasile",
    firsts="Ion Gheorghe Andrei Alexandru Mihai Constantin Ștefan Florin Maria Elena Ioana Ana Cristina Mihaela "
    "Ionuț",
    name_starts="Al Băl Bog Car Cos Dra Du Flo Gri Io Lu Man Mir Nea Ol Păt Pre Să Ser Vas Zam",
    name_ends="escu eanu oiu aru ariu ache uță an ea oaia ătescu dan inaru",
    trades="Construcții|Constr. Transport|Transp. Comerț|Com. Servicii|Serv. Producție|Prod. Instalații|Inst. Mobilă "
    "Panificație|Panif. Logistică|Log. Electric|El. Metal Lemn Agro Tipografie|Tipo. Textile Ambalaje|Amb. "
    "Utilaje|Util. "
    "Distribuție|Distr. Consultanță|Cons. Alimentar|Alim. Auto Proiectare|Proiect. Industrial|Ind. Vinuri",
    groups="Holding|Hold. Imobiliare|Imob. Servicii|Serv. Grup|Gr. International|Intl. Invest Logistică|Log.",
    sons="și_Fiii|&_Fiii Frații_~|Fr._~ și_Asociații|&_Asoc.",
    joiner="și|& &|și",
    streets="Strada_~|Str._~ Bulevardul_~|Bd._~ Calea_~|Cal._~ Șoseaua_~|Șos._~ Aleea_~|Al._~ Piața_~|P-ța_~",
    street_names="Mihai_Eminescu Republicii Victoriei Unirii Libertății Independenței Traian Avram_Iancu "
    "Ștefan_cel_Mare "
    "Florilor Industriilor Gării Morii Tudor_Vladimirescu Mihai_Viteazul Nicolae_Bălcescu 1_Decembrie_1918 Fabricii",
    town_starts="Câm Târgu_ Baia_ Valea_ Roș Bu Pop Mir Băi Ol",
    town_ends="pina Nou Mare Lungă iorii zeni ești oara cov lești tenița",
    departments="Contabilitate Achiziții Sediu Depozit Punct_de_lucru",
)
SWEDISH = _language(
    surnames="Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Pettersson "
    "Jonsson "
    "Jansson Hansson Bengtsson Jönsson Lindberg Jakobsson Magnusson Olofsson Lindström Lindqvist Lindgren Axelsson "
    "Berg "
    "Bergström Lundberg Lind Lundgren Lundqvist Mattsson Berglund Fredriksson Sandberg Henriksson Forsberg Sjöberg "
    "Wallin Engström Danielsson Eklund Håkansson Lundin Björk Bergman Gunnarsson Holm Samuelsson Fransson Öberg",
    firsts="Lars Mikael Anders Johan Erik Per Karl Peter Jan Anna Eva Maria Karin Kristina Lena Sara Åsa Björn "
    "Göran Håkan",
    name_starts="Ahl Alm Berg Björk Blom Brand Dahl Ek Eng Fors Grön Hag Hed Holm Kull Ljung Lund Mal Nor Sand "
    "Ström Sund",
    name_ends="ström qvist berg gren lund mark man sson stedt vall by dahl blad ell ing",
    trades="Bygg Byggnads|Byggn. Mekaniska|Mek. Transport|Transp. Åkeri Industri|Ind. Elektriska|El. Plåt Måleri "
    "Rör Trä "
    "Snickeri Bageri Tryckeri Teknik|Tekn. Konsult|Kons. Fastigheter|Fastigh. Handels|Hand. Maskin|Mask. "
    "Verkstad|Verkst. "
    "Redovisning|Redov. Bil Skog Livsmedel|Livsm. Förpackningar|Förp. Plast Entreprenad|Entr. Data Mark Golv "
    "Fönster Svets",
    groups="Holding|Hold. Fastigheter|Fast. Service|Serv. Gruppen|Gr. International|Intl. Invest Logistik|Log.",
    sons="&_Söner|och_Söner Bröderna_~|Br._~ &_Partners &_Co",
    joiner="&|och och|&",
    streets="~gatan|~g. ~vägen|~v. ~gränd ~torget ~plan ~stigen|~st. ~allén",
    street_names="Stor Kungs Drottning Järnvägs Industri Skol Kyrko Björk Storgårds Hamn Verkstads Fabriks Ring "
    "Skogs Lin "
    "Östra_Stor Västra_Lång Nygård Sjö Park Bruks Kvarn Gruv",
    town_starts="Ny Kungs Söder Norr Lin Kal Mar Väster Öster Skog Ul",
    town_ends="köping torp by hamn stad borg ås sund fors bäck tuna lösa",
    departments="Ekonomi Inköp Huvudkontor Lager Fakturaavdelningen",
)
DANISH = _language(
    surnames="Nielsen Jensen Hansen Pedersen Andersen Christensen Larsen Sørensen Rasmussen Jørgensen Petersen "
    "Madsen "
    "Kristensen Olsen Thomsen Christiansen Poulsen Johansen Møller Mortensen Knudsen Jakobsen Mikkelsen Frederiksen "
    "Laursen Lund Holm Schmidt Eriksen Kristiansen Simonsen Clausen Svendsen Iversen Østergaard Jeppesen Nygaard "
    "Bruun "
    "Johnsen Hagen Haugen Bakke Solberg Berg Strand Lie Hauge Moen Eide Dahl Halvorsen Aas",
    firsts="Peter Jens Lars Michael Henrik Thomas Søren Jan Christian Martin Anne Kirsten Hanne Mette Maria Bjørn "
    "Pål Åse",
    name_starts="Bjer Brand Dam Eng Fal Grøn Hede Hol Kjær Kro Lind Lund Nør Rav Ros Sand Skov Søn Tors Val Vester "
    "Øster",
    name_ends="gaard sen by strup holm skov bæk toft berg lund rup dal vik stad",
    trades="Byg Byggefirma|Byggef. Maskinfabrik|Maskinfabr. Transport|Transp. Industri|Ind. El-service|El VVS Tømrer "
    "Malerfirma|Maler Bageri Trykkeri Møbler Handel|Hdl. Teknik|Tekn. Ejendomme|Ejd. Revision|Rev. Landbrug|Landbr. "
    "Emballage|Emb. Plast Smede Vognmandsforretning|Vognmand Autoværksted|Auto Fødevarer|Fødev. Entreprenør|Entr. "
    "Fisk "
    "Rådgivning|Rådg. Køleteknik|Køletekn. Stål Værktøj Mejeri",
    groups="Holding|Hold. Ejendomme|Ejd. Service|Serv. Gruppen|Gr. International|Intl. Invest Logistik|Log.",
    sons="&_Søn|og_Søn &_Sønner Brødrene_~|Brdr._~ &_Co.|og_Co. &_Partnere",
    joiner="&|og og|&",
    streets="~vej|~v. ~gade|~g. ~allé ~vænget ~parken ~stræde ~veien",
    street_names="Hoved Kirke Skole Industri Birke Øster Vester Nørre Bane Havne Stations Møl Strand Fabriks Lærke "
    "Skov "
    "Sønder Engel Bryggeri Torve Ager Smede Lerke Fjord",
    town_starts="Ny Nørre Sønder Øster Vester Store_ Lille_ Hol Hør Rø Sil",
    town_ends="købing borg strup sted ager rup vig bjerg sholm lev slev dal",
    departments="Bogholderi Indkøb Hovedkontor Lager Kreditor Regnskap",
)
FINNISH = _language(
    surnames="Korhonen Virtanen Mäkinen Nieminen Mäkelä Hämäläinen Laine Heikkinen Koskinen Järvinen Lehtonen "
    "Lehtinen "
    "Saarinen Niemi Salminen Heinonen Salonen Heikkilä Salmi Turunen Laitinen Tuominen Rantanen Karjalainen Jokinen "
    "Mattila Savolainen Ahonen Lahtinen Räsänen Väisänen Ojala Leppänen Hiltunen Leinonen Miettinen Pitkänen "
    "Aaltonen",
    firsts="Juhani Matti Timo Kari Mikko Antti Jari Anna Maria Liisa Päivi Sari Tuula Jukka Hannu Pekka Väinö Äänis",
    name_starts="Aho Haa Hei Huh Iko Jär Kai Kan Kor Lai Lau Lep Mat Mäki Nur Paa Pel Ran Ruo Saa Suo Tuo Vai Väli",
    name_ends="nen la lä tala mäki niemi koski saari vaara lahti järvi pää salo ainen",
    trades="Rakennus|Rak. Konepaja|Konep. Kuljetus|Kulj. Sähkö Metalli|Met. Puu Leipomo Kirjapaino|Kirjap. "
    "Huonekalut "
    "Kiinteistöt|Kiint. Huolto Tekniikka|Tekn. Putkityö LVI Maalaus Kauppa Tukku Elintarvike|Elint. Pakkaus Muovi "
    "Teollisuus"
    "|Teoll. Palvelut|Palv. Konsultointi|Kons. Tilitoimisto|Tilit. Auto Maansiirto Teräs Kone",
    groups="Holding|Hold. Kiinteistöt|Kiint. Palvelut|Palv. Yhtiöt|Yht. International|Intl. Invest Logistiikka|Log.",
    sons="&_Pojat|ja_Pojat Veljekset_~|Velj._~ &_Kumppanit|&_Kump. &_Co",
    joiner="&|ja ja|&",
    streets="~katu|~k. ~tie ~kuja ~polku ~ranta ~raitti",
    street_names="Kauppa Asema Koulu Keskus Teollisuus Kirkko Puisto Satama Ranta Mylly Tehtaan Hallitus Puutarha "
    "Pohjois "
    "Etelä Itä Länsi Metsä Koivu Kuusi Yrittäjän Konepajan",
    town_starts="Iso Pieni Ylä Ala Uusi Vanha Pohjois Jär Kau Kan Par",
    town_ends="kylä järvi niemi lahti koski mäki salmi hajoki kaupunki pää salo",
    departments="Ostot Taloushallinto Pääkonttori Varasto Laskutus",
)
TURKISH = _language(
    surnames="Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin "
    "Kara Koç "
    "Kurt Özkan Şimşek Polat Özcan Korkmaz Çakır Erdoğan Yavuz Can Acar Şen Aktaş Güler Yalçın Güneş Bozkurt Bulut "
    "Keskin",
    firsts="Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim Fatma Ayşe Emine Hatice Zeynep Elif Murat Ömer Gökhan",
    name_starts="Ak Al Bay Boz Çak De Er Gök Gül Kar Kır Öz Sar Tan Taş Tek Top Uz Ya Yal Yeni",
    name_ends="oğlu soy taş er can kaya türk bey demir maz gün han tepe men",
    trades="İnşaat|İnş. Makina|Mak. Nakliyat|Nak. Tekstil|Teks. Gıda Otomotiv|Oto. Mobilya|Mob. Elektrik|Elk. "
    "Ticaret|Tic. "
    "Sanayi|San. Lojistik|Loj. Ambalaj|Amb. Plastik|Plas. Metal Matbaa Turizm|Tur. Tarım|Tar. Kimya|Kim. "
    "Mühendislik|Müh. "
    "Danışmanlık|Dan. Demir_Çelik|D.Ç. Dış_Ticaret|Dış_Tic. Yapı Enerji|En.",
    groups="Holding|Hold. Gayrimenkul|Gayr. Servis|Serv. Grup|Gr. Uluslararası|Ulus. Yatırım|Yat. Lojistik|Loj.",
    sons="ve_Oğulları|ve_Oğ. Kardeşler|Kard. ve_Ortakları|ve_Ort.",
    joiner="ve|& &|ve",
    streets="~_Caddesi|~_Cad. ~_Sokak|~_Sk. ~_Bulvarı|~_Blv. ~_Mahallesi|~_Mah.",
    street_names="Atatürk Cumhuriyet İstiklal Fatih Gazi Bahçe Okul Çınar Lale Sanayi İnönü Barış Zafer Menekşe "
    "Yıldız "
    "Bağdat Organize_Sanayi Mimar_Sinan Fevzi_Çakmak Kültür",
    town_starts="Ak Kara Yeni Boz Sarı Kızıl Çam Gül Ala",
    town_ends="hisar köy şehir pınar dere tepe su kaya ova lar",
    departments="Muhasebe Satınalma Merkez Depo Şube",
)

# --- other scripts ---------------------------------------------------------------------------------------


def _by_letters(tables: tuple[dict[str, str], ...]) -> Callable[[str, Random | None], str]:
    """Tables of transliteration, the usual one first → a function that applies one of them."""
    full = []
    for table in tables:
        both = dict(tables[0]) | table
        capitals = {key.upper(): value.capitalize() for key, value in both.items() if len(key.upper()) == 1}
        full.append(str.maketrans(both | capitals))

    def latin(text: str, rng: Random | None) -> str:
        for two, said in (("ου", "ou"), ("ού", "ou"), ("Ου", "Ou")):
            text = text.replace(two, said)
        return text.translate(full[0] if rng is None or rng.random() < 0.7 else rng.choice(full))

    return latin


_GREEK = dict(zip("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐ", _words(
    "a v g d e z i th i k l m n x o p r s s t y f ch ps o a e i i o y o i y i"), strict=True))  # fmt: skip
_BULGARIAN = dict(zip("абвгдежзийклмнопрстуфхцчшщъьюя", _words(
    "a b v g d e zh z i y k l m n o p r s t u f h ts ch sh sht a y yu ya"), strict=True))  # fmt: skip
_UKRAINIAN = dict(zip("абвгґдеєжзиіїйклмнопрстуфхцчшщюя", _words(
    "a b v h g d e ye zh z y i yi y k l m n o p r s t u f kh ts ch sh shch yu ya"), strict=True))  # fmt: skip
_UKRAINIAN |= {"ь": "", "'": "", "’": ""}
_GREEK_LATIN = _by_letters(
    (_GREEK, {"η": "h", "χ": "h", "υ": "u", "ύ": "u", "ω": "w", "β": "b"}, {"χ": "x", "γ": "gh"})
)
_BULGARIAN_LATIN = _by_letters(
    (_BULGARIAN, {"ъ": "u", "х": "kh", "ц": "c", "ж": "j"}, {"й": "i", "я": "ia", "ю": "iu"})
)
_UKRAINIAN_LATIN = _by_letters(
    (_UKRAINIAN, {"г": "g", "и": "i", "й": "j", "х": "h"}, {"є": "ie", "ю": "iu", "я": "ia"})
)


#: A space before a syllable in small letters, a hyphen or a comma: 山 in 大山 goes with what stands before it.
_TOGETHER = re.compile(r" (?=[-,a-z])")


def _by_words(text: str) -> Callable[[str, Random | None], str]:
    """Words with their usual spellings in Latin letters → a function that looks them up, longest first."""
    entries = (entry.replace("_", " ").split("=") for entry in text.split())
    known = {key: tuple(values.split("/")) for key, values in entries}
    longest = max(map(len, known))

    @lru_cache(maxsize=100_000)
    def cut(whole: str) -> tuple[str, ...]:
        parts, at = [], 0
        while at < len(whole):
            for length in range(min(longest, len(whole) - at), 0, -1):
                piece = whole[at : at + length]
                if piece in known:
                    parts.append(piece)
                elif length > 1:
                    continue
                elif parts and parts[-1] not in known:
                    parts[-1] += piece
                else:
                    parts.append(piece)
                at += length
                break
        return tuple(parts)

    def latin(whole: str, rng: Random | None) -> str:
        said = []
        for part in cut(whole):
            options = known.get(part)
            if options is None:
                said.append(part)
            elif rng is None or len(options) == 1 or rng.random() < 0.6:
                said.append(options[0])
            else:
                said.append(options[rng.randrange(len(options))])
        return _TOGETHER.sub("", " ".join(" ".join(said).split()))

    return latin


def _with_latin(language: Language, latin: Callable[[str, Random | None], str], glue: str = " ") -> Language:
    return replace(language, latin=latin, glue=glue, foreign=True)


GREEK = _with_latin(_language(
    surnames="Παπαδόπουλος Παππάς Καραγιάννης Βλάχος Ιωάννου Οικονόμου Παπαγεωργίου Μακρής Κωνσταντινίδης Δημόπουλος "
    "Νικολάου Γεωργίου Δημητρίου Αθανασίου Αντωνίου Αγγελόπουλος Αλεξίου Σταματόπουλος Χατζής Βασιλείου Ζαχαρίου",
    firsts="Γιώργος Δημήτρης Κώστας Γιάννης Νίκος Παναγιώτης Μαρία Ελένη Κατερίνα Βασιλική Σοφία Χρήστος",
    name_starts="Παπα Καρα Χατζη Κοντο Γιαννα Μαυρο Δημη Νικο Σταυρο Θεο Μακρυ Αλεξα",
    name_ends="πουλος κης ίδης άκης γιάννης δάκης νάκος λης ράς τζής",
    trades="Κατασκευές|Κατ. Μεταφορές|Μεταφ. Εμπορική|Εμπ. Βιομηχανία|Βιομ. Τρόφιμα|Τροφ. Έπιπλα Ναυτιλιακή|Ναυτ. "
    "Τεχνική|Τεχν. "
    "Ηλεκτρολογικά|Ηλεκτρ. Οινοποιία|Οιν. Πλαστικά|Πλαστ. Αλουμίνια|Αλουμ. Εκτυπώσεις Τουριστική|Τουρ. "
    "Φαρμακευτική|Φαρμ. Ελαιουργία",
    groups="Συμμετοχών|Συμ. Κτηματική|Κτημ. Υπηρεσίες|Υπηρ. Όμιλος|Ομ. Διεθνής Επενδύσεις|Επενδ.",
    sons="&_Υιοί|και_Υιοί Αφοί_~|Αδελφοί_~ &_Σία|και_Σία &_Συνεργάτες|&_Συν.",
    joiner="&|και και|&",
    streets="~|Οδός_~ Λεωφόρος_~|Λεωφ._~ Οδός_~|~ Πλατεία_~|Πλ._~",
    street_names="Ερμού Σταδίου Πανεπιστημίου Ακαδημίας Αθηνών Κηφισίας Συγγρού Βενιζέλου Τσιμισκή Εγνατία Πατησίων "
    "Μεσογείων "
    "Βουλιαγμένης Αριστοτέλους Κολοκοτρώνη Καραϊσκάκη Δημοκρατίας Ειρήνης",
    town_starts="Νέα_ Παλαιό_ Άνω_ Κάτω_ Άγιος_ Μεγάλο_",
    town_ends="Μάκρη Φάληρο Λιόσια Δημήτριος Χωριό Πεύκο Ιωάννης",
    departments="Λογιστήριο Προμήθειες Έδρα Αποθήκη",
), _GREEK_LATIN)  # fmt: skip
BULGARIAN = _with_latin(_language(
    surnames="Иванов Георгиев Димитров Петров Николов Христов Стоянов Тодоров Илиев Ангелов Атанасов Василев Петков "
    "Колев "
    "Стефанов Йорданов Маринов Костов Митев Попов Павлов Спасов Цветков Желев Янков",
    firsts="Георги Иван Димитър Николай Петър Христо Мария Иванка Елена Йорданка Пенка Стоян Васил",
    name_starts="Бог Бояд Въл Ган Добр Злат Кръст Мил Нен Рад Сав Слав Тан Цан Чав Юл",
    name_ends="ов ев чев анов данов жиев ински ски ченков ков",
    trades="Строй Строителство|Строит. Транспорт|Трансп. Търговия|Търг. Производство|Произв. Мебели Храни Електро "
    "Метал "
    "Логистика|Лог. Инженеринг|Инж. Агро Консулт|Конс. Пласт Текстил|Текст. Хлебозавод Печатница Автосервиз Туризъм",
    groups="Холдинг|Холд. Имоти Сервиз Груп|Гр. Интернешънъл|Интл. Инвест",
    sons="и_Синове|и_С-ве Братя_~|Бр._~ и_Сие|&_Сие и_Партньори",
    joiner="и|& &|и",
    streets="ул._~|~ бул._~|булевард_~ ж.к._~ пл._~|площад_~",
    street_names="Витоша Васил_Левски Христо_Ботев Цар_Освободител Раковски България Иван_Вазов Княз_Борис_I Тракия "
    "Младост "
    "Александър_Стамболийски Шипка Опълченска Индустриална Мария_Луиза",
    town_starts="Нова_ Стара_ Горна_ Долна_ Бел Криво", town_ends="Загора Оряховица Баня ово ица дол Малина",
    departments="Счетоводство Доставки Централа Склад",
), _BULGARIAN_LATIN)  # fmt: skip
UKRAINIAN = _with_latin(_language(
    surnames="Мельник Шевченко Бойко Коваленко Бондаренко Ткаченко Ковальчук Кравченко Олійник Шевчук Коваль "
    "Поліщук Бондар "
    "Ткачук Мороз Марченко Лисенко Руденко Савченко Петренко Кравчук Клименко Павленко Савчук Кузьменко Гаврилюк",
    firsts="Олександр Сергій Володимир Микола Андрій Іван Юрій Олена Наталія Тетяна Ірина Оксана Галина",
    name_starts="Бабі Біло Вели Гор Дани Зін Калин Корні Лит Мар Наза Оста Пили Роман Сте Тим Хом Яр",
    name_ends="енко чук щук юк ський ик вич ів ець няк",
    trades="Буд Будівництво|Буд. Транс Торг Агро Пром Метал Технології|Техн. Логістика|Лог. Меблі Електро Хліб "
    "Продукт|Прод. "
    "Інвест Сервіс|Серв. Машинобудування|Маш. Поліграфія|Полігр. Консалтинг|Конс. Пласт Енерго",
    groups="Холдинг|Холд. Нерухомість|Нерух. Сервіс|Серв. Група|Гр. Інтернешнл|Інтл. Інвест",
    sons="і_Сини Брати_~|Бр._~ і_Партнери|і_Парт. і_Ко|&_Ко",
    joiner="і|& &|і",
    streets="вул._~|~ просп._~|проспект_~ пл._~|площа_~ бул._~|бульвар_~",
    street_names="Шевченка Хрещатик Лесі_Українки Незалежності Соборна Миру Франка Грушевського Городоцька Зелена "
    "Промислова "
    "Заводська Перемоги Центральна Садова Київська",
    town_starts="Нова_ Велика_ Мала_ Біла_ Верх Ново", town_ends="Церква Діброва град ське івка поль Балка",
    departments="Бухгалтерія Закупівлі Офіс Склад",
), _UKRAINIAN_LATIN)  # fmt: skip

_JAPANESE = (
    "佐藤=Sato/Satou 鈴木=Suzuki 高橋=Takahashi 田中=Tanaka 渡辺=Watanabe 伊藤=Ito/Itoh 山本=Yamamoto "
    "中村=Nakamura 小林=Kobayashi "
    "加藤=Kato/Katoh 吉田=Yoshida 山田=Yamada 佐々木=Sasaki 山口=Yamaguchi 松本=Matsumoto 井上=Inoue 木村=Kimura "
    "林=Hayashi 斎藤=Saito "
    "清水=Shimizu 森=Mori 池田=Ikeda 橋本=Hashimoto 石川=Ishikawa 藤田=Fujita 岡田=Okada 長谷川=Hasegawa "
    "村上=Murakami 近藤=Kondo/Kondoh "
    "遠藤=Endo 青木=Aoki 坂本=Sakamoto 福田=Fukuda 太田=Ota/Ohta 西村=Nishimura 三浦=Miura 藤井=Fujii 岡本=Okamoto "
    "松田=Matsuda "
    "中川=Nakagawa "
    "太郎=Taro 健=Ken 誠=Makoto 浩=Hiroshi 裕子=Yuko 恵子=Keiko 直美=Naomi 学=Manabu 隆=Takashi 明美=Akemi "
    "製作所=Seisakusho/Works 電機=Denki/Electric 工業=Kogyo/Industries 産業=Sangyo 商事=Shoji "
    "建設=Kensetsu/Construction "
    "運輸=Unyu/Transport 食品=Shokuhin/Foods 化学=Kagaku/Chemical 印刷=Insatsu/Printing 機械=Kikai/Machinery "
    "鉄工=Tekko "
    "薬品=Yakuhin "
    "物流=Butsuryu/Logistics 精密=Seimitsu/Precision 電子=Denshi/Electronics 技研=Giken 紡績=Boseki 酒造=Shuzo "
    "水産=Suisan "
    "自動車=Jidosha "
    "ホールディングス=Holdings 不動産=Fudosan サービス=Service/Services グループ=Group 販売=Hanbai/Sales "
    "兄弟=Kyodai 商店=Shoten "
    "本社=Head_Office 経理部=Accounting 購買部=Purchasing 工場=Plant ・=& と=& "
    "東京都=Tokyo 大阪市=Osaka 名古屋市=Nagoya 横浜市=Yokohama 札幌市=Sapporo 福岡市=Fukuoka 神戸市=Kobe "
    "京都市=Kyoto 川崎市=Kawasaki "
    "仙台市=Sendai 広島市=Hiroshima 浜松市=Hamamatsu 堺市=Sakai 新潟市=Niigata 岡山市=Okayama 熊本市=Kumamoto "
    "静岡市=Shizuoka 千葉市=Chiba "
    "北=Kita 南=Minami 東=Higashi 西=Nishi 上=Kami 下=Shimo 大=O 小=Ko 市=-shi 町=-cho 山=yama 川=kawa 島=shima "
    "野=no 田=da 崎=saki "
    "丸の内=Marunouchi 銀座=Ginza 日本橋=Nihonbashi 本町=Honmachi/Hommachi 栄町=Sakaecho 中央=Chuo 新宿=Shinjuku "
    "緑町=Midoricho "
    "港町=Minatocho "
    "桜木=Sakuragi 大手町=Otemachi/Ohtemachi 梅田=Umeda 錦=Nishiki 幸町=Saiwaicho 旭町=Asahicho 丁目=-chome 番=-ban "
    "日=Nichi 光=Ko 栄=Ei 和=Wa 富士=Fuji 東洋=Toyo 三=San 新=Shin 明=Mei 大和=Daiwa/Yamato 昭和=Showa 協=Kyo "
    "共=Kyo 興=Ko 信=Shin "
    "テク=Tech ニッ=Nit コー=Ko ソ=So ネ=Ne ミ=Mi ラ=Ra トロン=tron ックス=x メディ=Medi リンク=link タ=ta ル=ru "
)
JAPANESE = _with_latin(_language(
    surnames=" ".join(word.partition("=")[0] for word in _JAPANESE.split()[:40]),
    firsts="太郎 健 誠 浩 裕子 恵子 直美 学 隆 明美",
    name_starts="日 光 栄 富士 東洋 三 新 明 大和 昭和 協 共 興 信 テク コー メディ ソ ネ ミ ラ",
    name_ends="和 光 栄 信 興 トロン ックス リンク タ 明",
    trades="製作所 電機 工業 産業 商事 建設 運輸 食品 化学 印刷 機械 鉄工 薬品 物流 精密 電子 技研 紡績 酒造 水産 "
    "自動車",
    groups="ホールディングス 不動産 サービス グループ 販売 物流", sons="兄弟 商店", joiner="・ と",
    streets="~1丁目 ~2丁目 ~3丁目 ~4丁目 ~",
    street_names="丸の内 銀座 日本橋 本町 栄町 中央 新宿 緑町 港町 桜木 大手町 梅田 錦 幸町 旭町",
    town_starts="北 南 東 西 上 下 大 小", town_ends="山市 川市 島市 野市 田市 崎市 山町 川町 田町",
    departments="本社 経理部 購買部 工場",
), _by_words(_JAPANESE), "")  # fmt: skip

_ARABIC = (
    "الهاشمي=Al_Hashimi/Al-Hashemi/Alhashmi المنصوري=Al_Mansoori/Al_Mansouri/Almansoori النعيمي=Al_Nuaimi/Al_Naimi "
    "الشامسي=Al_Shamsi "
    "المهيري=Al_Muhairi/Al_Mehairi الكعبي=Al_Kaabi/Al_Kabi الظاهري=Al_Dhaheri/Al_Zahiri "
    "السويدي=Al_Suwaidi/Al_Sowaidi "
    "المزروعي=Al_Mazrouei/Al_Mazrui خوري=Khoury/Khouri الحمادي=Al_Hammadi البلوشي=Al_Balushi/Al_Blooshi "
    "العامري=Al_Amri/Al_Ameri "
    "الزعابي=Al_Zaabi القاسمي=Al_Qasimi/Al_Qassimi الفلاسي=Al_Falasi محمد=Mohammed/Muhammad/Mohamed "
    "أحمد=Ahmed/Ahmad علي=Ali "
    "خالد=Khalid/Khaled سعيد=Saeed/Said فاطمة=Fatima/Fatma عائشة=Aisha/Ayesha عبدالله=Abdullah/Abdulla "
    "يوسف=Yousef/Yusuf مريم=Maryam/Mariam "
    "للتجارة=Trading/Trdg للمقاولات=Contracting/Contr. للنقل=Transport للصناعة=Industries للعقارات=Real_Estate "
    "للأغذية=Foods/Foodstuff "
    "للهندسة=Engineering/Eng. للإلكترونيات=Electronics للسيارات=Motors/Automotive للأثاث=Furniture للطباعة=Printing "
    "للسياحة=Tourism "
    "للخدمات=Services للشحن=Freight/Shipping للحديد=Steel للمجوهرات=Jewellery القابضة=Holding مجموعة=Group "
    "الدولية=International/Intl "
    "وأولاده=&_Sons وشركاه=&_Partners وإخوانه=&_Brothers/&_Bros و=& دبي=Dubai أبوظبي=Abu_Dhabi الشارقة=Sharjah "
    "عجمان=Ajman "
    "العين=Al_Ain رأس_الخيمة=Ras_Al_Khaimah/RAK الفجيرة=Fujairah شارع=Street/St ميدان=Square المطار=Airport "
    "الكورنيش=Corniche "
    "الوحدة=Al_Wahda الصناعية=Industrial الشيخ=Sheikh/Shaikh زايد=Zayed راشد=Rashid النخيل=Al_Nakheel "
    "السلام=Al_Salam الملك=King فيصل=Faisal "
    "الاتحاد=Al_Ittihad الجديدة=Al_Jadida القديمة=Al_Qadima واحة=Wahat/Oasis مدينة=Madinat بر=Bar "
    "المشتريات=Purchasing الحسابات=Accounts "
    "المقر=Head_Office نجم=Najm/Star نور=Noor/Nour أفق=Ufuq صقر=Saqr/Falcon خليج=Khaleej/Gulf ذهب=Dhahab/Gold "
    "جبل=Jabal بحر=Bahr "
    "الشرق=Al_Sharq/East الغرب=Al_Gharb البحر=Al_Bahr الصحراء=Al_Sahra المدينة=Al_Madina الخليج=Al_Khaleej/Gulf "
    "الأفق=Al_Ufuq "
)
ARABIC = _with_latin(_language(
    surnames="الهاشمي المنصوري النعيمي الشامسي المهيري الكعبي الظاهري السويدي المزروعي خوري الحمادي البلوشي العامري "
    "الزعابي القاسمي الفلاسي",
    firsts="محمد أحمد علي خالد سعيد فاطمة عائشة عبدالله يوسف مريم",
    name_starts="نجم_ نور_ أفق_ صقر_ خليج_ ذهب_ جبل_ بحر_ واحة_",
    name_ends="الشرق الغرب البحر الصحراء المدينة الخليج الأفق السلام النخيل",
    trades="للتجارة للمقاولات للنقل للصناعة للعقارات للأغذية للهندسة للإلكترونيات للسيارات للأثاث للطباعة للسياحة "
    "للخدمات للشحن للحديد للمجوهرات",
    groups="القابضة للعقارات للخدمات مجموعة الدولية", sons="وأولاده وشركاه وإخوانه", joiner="و",
    streets="شارع_~ ~ ميدان_~",
    street_names="المطار الكورنيش الوحدة الصناعية الشيخ_زايد راشد النخيل السلام الملك_فيصل الاتحاد",
    town_starts="مدينة_ بر_ واحة_", town_ends="الجديدة القديمة السلام النخيل زايد",
    departments="المشتريات الحسابات المقر",
), _by_words(_ARABIC))  # fmt: skip

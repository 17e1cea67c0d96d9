//! The codes of countries (ISO 3166-1), for whoever enters the name of one.

/// The code of a country that is named in English, or as many people at home call it.
pub(super) fn code_of(name: &str) -> Option<&'static str> {
    let wanted = name.trim().to_lowercase();
    COUNTRIES.split(';').find_map(|country| {
        let (code, names) = country.trim().split_once(' ')?;
        names.split('/').any(|known| known.trim().to_lowercase() == wanted).then_some(code)
    })
}

/// Each code with its names.
const COUNTRIES: &str = "
AD Andorra; AE United Arab Emirates/UAE/Emirates; AF Afghanistan; AG Antigua and Barbuda; AI Anguilla; AL Albania;
AM Armenia; AO Angola; AQ Antarctica; AR Argentina; AS American Samoa; AT Austria/Österreich; AU Australia; AW Aruba;
AX Åland Islands; AZ Azerbaijan; BA Bosnia and Herzegovina/Bosnia; BB Barbados; BD Bangladesh;
BE Belgium/België/Belgique; BF Burkina Faso; BG Bulgaria; BH Bahrain; BI Burundi; BJ Benin; BL Saint Barthélemy;
BM Bermuda; BN Brunei; BO Bolivia; BQ Bonaire; BR Brazil/Brasil; BS Bahamas; BT Bhutan; BV Bouvet Island; BW Botswana;
BY Belarus; BZ Belize; CA Canada; CC Cocos Islands; CD Democratic Republic of the Congo/DR Congo;
CF Central African Republic; CG Congo; CH Switzerland/Schweiz/Suisse/Svizzera;
CI Ivory Coast/Côte d’Ivoire/Côte d'Ivoire; CK Cook Islands; CL Chile; CM Cameroon; CN China; CO Colombia;
CR Costa Rica; CU Cuba; CV Cape Verde/Cabo Verde; CW Curaçao; CX Christmas Island; CY Cyprus;
CZ Czechia/Czech Republic/Česko; DE Germany/Deutschland; DJ Djibouti; DK Denmark/Danmark; DM Dominica;
DO Dominican Republic; DZ Algeria; EC Ecuador; EE Estonia/Eesti; EG Egypt; EH Western Sahara; ER Eritrea;
ES Spain/España; ET Ethiopia; FI Finland/Suomi; FJ Fiji; FK Falkland Islands; FM Micronesia; FO Faroe Islands;
FR France; GA Gabon; GB United Kingdom/Great Britain/Britain/England/Scotland/Wales; GD Grenada; GE Georgia;
GF French Guiana; GG Guernsey; GH Ghana; GI Gibraltar; GL Greenland; GM Gambia; GN Guinea; GP Guadeloupe;
GQ Equatorial Guinea; GR Greece/Hellas; GS South Georgia; GT Guatemala; GU Guam; GW Guinea-Bissau; GY Guyana;
HK Hong Kong; HM Heard Island; HN Honduras; HR Croatia/Hrvatska; HT Haiti; HU Hungary/Magyarország; ID Indonesia;
IE Ireland/Éire; IL Israel; IM Isle of Man; IN India; IO British Indian Ocean Territory; IQ Iraq; IR Iran;
IS Iceland/Ísland; IT Italy/Italia; JE Jersey; JM Jamaica; JO Jordan; JP Japan; KE Kenya; KG Kyrgyzstan; KH Cambodia;
KI Kiribati; KM Comoros; KN Saint Kitts and Nevis; KP North Korea; KR South Korea/Korea; KW Kuwait; KY Cayman Islands;
KZ Kazakhstan; LA Laos; LB Lebanon; LC Saint Lucia; LI Liechtenstein; LK Sri Lanka; LR Liberia; LS Lesotho;
LT Lithuania/Lietuva; LU Luxembourg/Luxemburg; LV Latvia/Latvija; LY Libya; MA Morocco; MC Monaco; MD Moldova;
ME Montenegro; MF Saint Martin; MG Madagascar; MH Marshall Islands; MK North Macedonia; ML Mali; MM Myanmar;
MN Mongolia; MO Macao; MP Northern Mariana Islands; MQ Martinique; MR Mauritania; MS Montserrat; MT Malta;
MU Mauritius; MV Maldives; MW Malawi; MX Mexico/México; MY Malaysia; MZ Mozambique; NA Namibia; NC New Caledonia;
NE Niger; NF Norfolk Island; NG Nigeria; NI Nicaragua; NL Netherlands/The Netherlands/Nederland/Holland;
NO Norway/Norge; NP Nepal; NR Nauru; NU Niue; NZ New Zealand; OM Oman; PA Panama; PE Peru; PF French Polynesia;
PG Papua New Guinea; PH Philippines; PK Pakistan; PL Poland/Polska; PM Saint Pierre and Miquelon; PN Pitcairn;
PR Puerto Rico; PS Palestine; PT Portugal; PW Palau; PY Paraguay; QA Qatar; RE Réunion; RO Romania/România;
RS Serbia/Srbija; RU Russia; RW Rwanda; SA Saudi Arabia; SB Solomon Islands; SC Seychelles; SD Sudan;
SE Sweden/Sverige; SG Singapore; SH Saint Helena; SI Slovenia/Slovenija; SJ Svalbard and Jan Mayen;
SK Slovakia/Slovensko; SL Sierra Leone; SM San Marino; SN Senegal; SO Somalia; SR Suriname; SS South Sudan;
ST São Tomé and Príncipe; SV El Salvador; SX Sint Maarten; SY Syria; SZ Eswatini; TC Turks and Caicos Islands; TD Chad;
TF French Southern Territories; TG Togo; TH Thailand; TJ Tajikistan; TK Tokelau; TL Timor-Leste; TM Turkmenistan;
TN Tunisia; TO Tonga; TR Türkiye/Turkey; TT Trinidad and Tobago; TV Tuvalu; TW Taiwan; TZ Tanzania; UA Ukraine;
UG Uganda; UM United States Minor Outlying Islands; US United States/USA/United States of America/America; UY Uruguay;
UZ Uzbekistan; VA Vatican/Holy See; VC Saint Vincent and the Grenadines; VE Venezuela; VG British Virgin Islands;
VI United States Virgin Islands; VN Vietnam/Viet Nam; VU Vanuatu; WF Wallis and Futuna; WS Samoa; YE Yemen; YT Mayotte;
ZA South Africa; ZM Zambia; ZW Zimbabwe";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_country_has_its_code_once() {
        let codes: Vec<_> = COUNTRIES.split(';').filter_map(|country| country.trim().split(' ').next()).collect();
        assert_eq!(codes.len(), 249, "as ISO 3166-1 has them");
        assert!(codes.iter().all(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase())));
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    }

    #[test]
    fn names_are_known_however_they_are_written() {
        for (name, code) in [
            ("Germany", Some("DE")),
            (" deutschland ", Some("DE")),
            ("USA", Some("US")),
            ("österreich", Some("AT")),
            ("Congo", Some("CG")),
            ("Narnia", None),
            ("", None),
        ] {
            assert_eq!(code_of(name), code, "{name}");
        }
    }
}

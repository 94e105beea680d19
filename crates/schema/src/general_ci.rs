//! Names as servers compare those of routines and events (and MySQL those of triggers): by `utf8mb3_general_ci`.
//!
//! Each character counts as one other: letters without their case and, for the Latin, Greek and Cyrillic scripts, without
//! most of their accents. Read from the weights of MariaDB 10.11 and MySQL 9.7, which agree on all characters.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A name as it counts: two names are one if these are equal.
pub fn general_ci(name: &str) -> String {
    name.chars().map(|character| WEIGHTS.get(&character).copied().unwrap_or(character)).collect()
}

static WEIGHTS: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let mut weights = HashMap::new();
    for row in GROUPS {
        let mut characters = row.chars();
        let Some(weight) = characters.next() else { continue };
        weights.extend(characters.map(|character| (character, weight)));
    }
    for row in PAIRS {
        let mut characters = row.chars();
        while let (Some(weight), Some(character)) = (characters.next(), characters.next()) {
            weights.insert(character, weight);
        }
    }
    weights
});

/// What several characters count as, and these.
#[rustfmt::skip]
const GROUPS: &[&str] = &[
    "AaÀÁÂÃÄÅàáâãäåĀāĂăĄąǍǎǞǟǠǡǺǻȀȁȂȃȦȧḀḁẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵẶặ",
    "BbḂḃḄḅḆḇ",
    "CcÇçĆćĈĉĊċČčḈḉ",
    "DdĎďḊḋḌḍḎḏḐḑḒḓ",
    "EeÈÉÊËèéêëĒēĔĕĖėĘęĚěȄȅȆȇȨȩḔḕḖḗḘḙḚḛḜḝẸẹẺẻẼẽẾếỀềỂểỄễỆệ",
    "FfḞḟ",
    "GgĜĝĞğĠġĢģǦǧǴǵḠḡ",
    "HhĤĥȞȟḢḣḤḥḦḧḨḩḪḫẖ",
    "IiÌÍÎÏìíîïĨĩĪīĬĭĮįİıǏǐȈȉȊȋḬḭḮḯỈỉỊị",
    "JjĴĵǰ",
    "KkĶķǨǩḰḱḲḳḴḵ",
    "LlĹĺĻļĽľḶḷḸḹḺḻḼḽ",
    "MmḾḿṀṁṂṃ",
    "NnÑñŃńŅņŇňǸǹṄṅṆṇṈṉṊṋ",
    "OoÒÓÔÕÖòóôõöŌōŎŏŐőƠơǑǒǪǫǬǭȌȍȎȏȪȫȬȭȮȯȰȱṌṍṎṏṐṑṒṓỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠỡỢợ",
    "PpṔṕṖṗ",
    "RrŔŕŖŗŘřȐȑȒȓṘṙṚṛṜṝṞṟ",
    "SsßŚśŜŝŞşŠšſȘșṠṡṢṣṤṥṦṧṨṩẛ",
    "TtŢţŤťȚțṪṫṬṭṮṯṰṱẗ",
    "UuÙÚÛÜùúûüŨũŪūŬŭŮůŰűŲųƯưǓǔǕǖǗǘǙǚǛǜȔȕȖȗṲṳṴṵṶṷṸṹṺṻỤụỦủỨứỪừỬửỮữỰự",
    "VvṼṽṾṿ",
    "WwŴŵẀẁẂẃẄẅẆẇẈẉẘ",
    "XxẊẋẌẍ",
    "YyÝýÿŶŷŸȲȳẎẏẙỲỳỴỵỶỷỸỹ",
    "ZzŹźŻżŽžẐẑẒẓẔẕ",
    "ÆæǢǣǼǽ",
    "ØøǾǿ",
    "ƷǮǯʒ",
    "Ǆǅǆ",
    "Ǉǈǉ",
    "Ǌǋǌ",
    "Ǳǲǳ",
    "ΑΆάαἀἁἂἃἄἅἆἇἈἉἊἋἌἍἎἏὰᾀᾁᾂᾃᾄᾅᾆᾇᾈᾉᾊᾋᾌᾍᾎᾏᾰᾱᾲᾳᾴᾶᾷᾸᾹᾺᾼ",
    "Ββϐ",
    "ΕΈέεἐἑἒἓἔἕἘἙἚἛἜἝὲῈ",
    "ΗΉήηἠἡἢἣἤἥἦἧἨἩἪἫἬἭἮἯὴᾐᾑᾒᾓᾔᾕᾖᾗᾘᾙᾚᾛᾜᾝᾞᾟῂῃῄῆῇῊῌ",
    "Θθϑ",
    "Ι\u{345}ΊΐΪίιϊἰἱἲἳἴἵἶἷἸἹἺἻἼἽἾἿὶιῐῑῒῖῗῘῙῚ",
    "Κκϰ",
    "Μµμ",
    "ΟΌοόὀὁὂὃὄὅὈὉὊὋὌὍὸῸ",
    "Ππϖ",
    "ΡρϱῤῥῬ",
    "Σςσϲ",
    "ΥΎΫΰυϋύὐὑὒὓὔὕὖὗὙὛὝὟὺῠῡῢῦῧῨῩῪ",
    "Φφϕ",
    "ΩΏωώὠὡὢὣὤὥὦὧὨὩὪὫὬὭὮὯὼᾠᾡᾢᾣᾤᾥᾦᾧᾨᾩᾪᾫᾬᾭᾮᾯῲῳῴῶῷῺῼ",
    "ϒϓϔ",
    "ІЇії",
    "АаӐӑӒӓ",
    "ГЃгѓ",
    "ЕЀЁеѐёӖӗ",
    "ЖжӁӂӜӝ",
    "ЗзӞӟ",
    "ИЍиѝӢӣӤӥ",
    "КЌкќ",
    "ОоӦӧ",
    "УЎуўӮӯӰӱӲӳ",
    "ЧчӴӵ",
    "ЫыӸӹ",
    "ЭэӬӭ",
    "ѴѵѶѷ",
    "ӘәӚӛ",
    "ӨөӪӫ",
];

/// What one character counts as, and this one.
#[rustfmt::skip]
const PAIRS: &[&str] = &[
    "QqÐðÞþĐđĦħĲĳĿŀŁłŊŋŒœŦŧƁɓƂƃƄƅƆɔƇƈƉɖƊɗƋƌƎǝƏəƐɛƑƒƓɠƔɣƖɩƗɨƘƙƜɯƝɲ",
    "ƟɵƢƣƤƥƦʀƧƨƩʃƬƭƮʈƱʊƲʋƳƴƵƶƸƹƼƽǤǥǶƕǷƿȜȝȢȣȤȥΓγΔδΖζΛλΝνΞξΤτΧχΨψϚϛ",
    "ϜϝϞϟϠϡϢϣϤϥϦϧϨϩϪϫϬϭϮϯЂђЄєЅѕЈјЉљЊњЋћЏџБбВвДдЙйЛлМмНнПпРрСсТтФф",
    "ХхЦцШшЩщЪъЬьЮюЯяѠѡѢѣѤѥѦѧѨѩѪѫѬѭѮѯѰѱѲѳѸѹѺѻѼѽѾѿҀҁҌҍҎҏҐґҒғҔҕҖҗҘҙ",
    "ҚқҜҝҞҟҠҡҢңҤҥҦҧҨҩҪҫҬҭҮүҰұҲҳҴҵҶҷҸҹҺһҼҽҾҿӃӄӇӈӋӌӔӕӠӡԱաԲբԳգԴդԵեԶզ",
    "ԷէԸըԹթԺժԻիԼլԽխԾծԿկՀհՁձՂղՃճՄմՅյՆնՇշՈոՉչՊպՋջՌռՍսՎվՏտՐրՑցՒւՓփՔք",
    "ՕօՖֆΆάΈέΉήΊίΎύΌόΏώⅠⅰⅡⅱⅢⅲⅣⅳⅤⅴⅥⅵⅦⅶⅧⅷⅨⅸⅩⅹⅪⅺⅫⅻⅬⅼⅭⅽⅮⅾⅯⅿⒶⓐⒷⓑⒸⓒⒹⓓⒺⓔ",
    "ⒻⓕⒼⓖⒽⓗⒾⓘⒿⓙⓀⓚⓁⓛⓂⓜⓃⓝⓄⓞⓅⓟⓆⓠⓇⓡⓈⓢⓉⓣⓊⓤⓋⓥⓌⓦⓍⓧⓎⓨⓏⓩＡａＢｂＣｃＤｄＥｅＦｆＧｇＨｈＩｉ",
    "ＪｊＫｋＬｌＭｍＮｎＯｏＰｐＱｑＲｒＳｓＴｔＵｕＶｖＷｗＸｘＹｙＺｚ",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_one() {
        let check = |a: &str, b: &str, same: bool| assert_eq!(general_ci(a) == general_ci(b), same, "{a} {b}");
        for (a, b) in [("p1", "P1"), ("pe", "pÉ"), ("ps", "pß"), ("pi", "pİ"), ("вид", "ВИД"), ("е", "ё"), ("ά", "Α")]
        {
            check(a, b, true);
        }
        // A Cyrillic letter that looks like a Latin one, full width, letters with a stroke, й, and two letters for one.
        for (a, b) in [("pо", "po"), ("pa", "pａ"), ("pd", "pđ"), ("po", "pø"), ("и", "й"), ("æ", "ae"), ("ss", "ß")]
        {
            check(a, b, false);
        }
    }
}

//! What an export leaves open, and what is said of it.

use super::*;

#[test]
fn a_column_decides_what_its_marks_mean() {
    let gigabytes = |size: f64| (size * 1_073_741_824.0).round() as u64;
    let decimals = [0.5, 12.345, 1.234, 3.75].map(gigabytes).iter().sum();
    for (text, size) in [
        ("Name,SizeGB\nA,0.5\nB,12.345\nC,1.234\nD,3.75\n", decimals),
        ("Name;SizeGB\nA;0.5\nB;12.345\nC;1.234\nD;3.75\n", decimals),
        ("Name,SizeGB\nA,\"0,5\"\nB,\"12,345\"\nC,\"1,234\"\nD,\"3,75\"\n", decimals),
        ("Name\tTotalItemSize\nA\t12,345 GB\nB\t0,5 GB\nC\t1,234 GB\nD\t3,75 GB\n", decimals),
        ("Name;SizeMB\nA;1.234\nB;12.345\nC;1.234.567\nD;5\n", (1_234 + 12_345 + 1_234_567 + 5) << 20),
        ("Name,Size (Byte)\nA,1.234\nB,\"12,345\"\nC,\"5\"\nD,6\n", 1_234 + 12_345 + 11),
    ] {
        let inventory = check(text, 4, size, None, &[]);
        let is_doubt = |warning: &Warning| matches!(warning, Warning::DoubtfulMarks { .. });
        assert!(!inventory.warnings.iter().any(is_doubt), "{text}: {:?}", inventory.warnings);
    }
}

#[test]
fn a_column_that_decides_nothing_says_what_was_assumed() {
    for (text, size, as_decimals, is_mixed) in [
        ("Name,SizeGB\nA,1.500\nB,2.250\n", 15_u64 << 28, true, false),
        ("Name;SizeGB\nA;1.500\nB;2.250\n", 3_750 << 30, false, false),
        ("Name,SizeGB\nA,\"1,500\"\nB,\"2,250\"\n", 3_750 << 30, false, false),
        ("Name;SizeGB\nA;1.500\nB;2,25\nC;0.5\nD;1\n", (1_503 << 30) + (3 << 28), false, true),
    ] {
        let inventory = read(text).expect("an inventory");
        let doubt = inventory.warnings.iter().find_map(|warning| match warning {
            Warning::DoubtfulMarks { line: 2, as_decimals, is_mixed, .. } => Some((*as_decimals, *is_mixed)),
            _ => None,
        });
        assert_eq!((inventory.bytes(), doubt), (size, Some((as_decimals, is_mixed))), "{text}: {inventory:?}");
        assert!(inventory.warnings[0].to_string().contains("1,000 times too"), "{:?}", inventory.warnings);
    }
}

#[test]
fn bytes_are_assumed_aloud_and_never_in_parts() {
    let inventory = check("Name,TotalItemSize,Items\nA,1500,10\nB,3000,10\nC,0,0\n", 3, 4_500, Some(20), &[]);
    let assumed = Warning::AssumedBytes { heading: "TotalItemSize".to_owned(), rows: 2 };
    assert_eq!(inventory.warnings, [assumed]);
    let inventory = check("Name,Size,Items\nA,1.5,10\nB,12.345,10\nC,2,10\n", 1, 2, Some(10), &[2, 3]);
    assert!(inventory.skipped.iter().all(|row| row.reason.contains("fraction of a byte")), "{inventory:?}");
    assert!(inventory.warnings.contains(&Warning::TinyItems { mean: 0 }), "{:?}", inventory.warnings);
    let inventory = check("Name,Size (MB),Items\nA,1500,10\n", 1, 1_500 << 20, Some(10), &[]);
    assert_eq!(inventory.warnings, [Warning::RoundedSizes { rows: 1 }]);
}

#[test]
fn a_stray_quote_swallows_no_rows() {
    let rows = |quoted: &[(usize, &str)]| {
        let mut text = "DisplayName,Size (Byte)\n".to_owned();
        for row in 0..1_000 {
            let name = quoted.iter().find(|(place, _)| *place == row).map_or("U", |(_, name)| name);
            writeln!(text, "{name}{row},1000").expect("strings grow");
        }
        text
    };
    for text in [rows(&[(99, "\"U")]), rows(&[(99, "\"U"), (980, "\"U")]), rows(&[(99, "\"U"), (110, "\"U")])] {
        let error = read(&text).expect_err("a quote is astray").to_string();
        assert!(error.contains("is not well-formed: line 101: a quote opens"), "{error}");
    }
    check(rows(&[(99, "A \"U\" ")]), 1_000, 1_000_000, None, &[]);
    check(rows(&[(99, "\"A\" U")]), 999, 999_000, None, &[101]);
    let long = "Name,Size (Byte)\n\"A\nB\nC\nD\nE\",5\nF,6\n";
    let inventory = check(long, 2, 11, None, &[]);
    assert!(inventory.warnings.contains(&Warning::LongRows { rows: 1, line: 2 }), "{:?}", inventory.warnings);
}

#[test]
fn one_page_of_an_answer_says_that_there_are_more() {
    let page = |link: &str| {
        format!(r#"{{{link}"value": [{{"userPrincipalName": "a@x.test", "storageUsedInBytes": 10, "itemCount": 0}}]}}"#)
    };
    let next = r#""@odata.nextLink": "https://graph.test/next", "#;
    assert_eq!(check(page(next), 1, 10, Some(0), &[]).warnings, [Warning::OnePage]);
    assert_eq!(check(page(""), 1, 10, Some(0), &[]).warnings, []);
}

#[test]
fn deleted_is_understood_in_many_languages_or_asked_about() {
    for yes in ["True", "Wahr", "Vrai", "Verdadero", "Sì", "Sí", "si", "Y", "T", "Ja", "Oui"] {
        let text = format!("UPN,Is Deleted,Size (Byte),Items\na@x.test,{yes},10,1\nb@x.test,Falsch,1000,1\n");
        assert_eq!(check(text, 1, 1_000, Some(1), &[]).warnings, [Warning::Deleted { rows: 1 }], "{yes}");
    }
    let text = "UPN,Is Deleted,Size (Byte),Items\na@x.test,no,100,1\nb@x.test,maybe,100,1\nc@x.test,,100,1\n";
    let (heading, text) = ("Is Deleted".to_owned(), read(text).expect("an inventory"));
    let unknown = Warning::UnknownTruth { heading, text: "maybe".to_owned(), line: 3, rows: 1 };
    assert_eq!((text.mailboxes.len(), text.warnings), (3, vec![unknown]));
}

#[test]
fn numbers_that_are_none_are_refused_by_line() {
    let text = "Name,Size (MB)\nA,(500)\nB,1.2.3\nC,\"1,2,3\"\nD,2\n";
    check(text, 1, 2 << 20, None, &[2, 3, 4]);
}

#[test]
fn columns_that_could_be_meant_as_well_are_named() {
    for (heading, taken, other) in [
        ("DisplayName,TotalItemSize,SizeMB,ItemCount", 1, Some(2)),
        ("DisplayName,TotalItemSize,TotalItemSize,ItemCount", 1, Some(2)),
        ("DisplayName,Size (GB),ItemCount,ItemCount", 2, Some(3)),
        ("DisplayName,Size (MB),Size (Byte),ItemCount", 2, None),
    ] {
        let inventory = read(format!("{heading}\nA,1000 B,2000,3000\n")).expect("an inventory");
        let columns: Vec<&str> = heading.split(',').collect();
        let named = |place: usize| (columns[place].to_owned(), place + 1);
        let found = inventory.warnings.iter().find_map(|warning| match warning {
            Warning::SeveralColumns { taken, others, .. } => Some((taken.clone(), others.clone())),
            _ => None,
        });
        assert_eq!(found, other.map(|other| (named(taken), vec![named(other)])), "{heading}");
    }
}

#[test]
fn a_row_that_sums_the_others_up_is_left_out() {
    for name in ["Total", "Summe", "GESAMT:", "Sum"] {
        let text = format!("DisplayName,TotalItemSize,ItemCount\nA,1 GB,10\nB,1.5 GB,10\n{name},2.5 GB,20\n");
        let inventory = check(text, 2, 5 << 29, Some(20), &[4]);
        assert!(inventory.warnings.contains(&Warning::TotalRow { name: name.to_owned(), line: 4 }));
    }
    check("DisplayName,TotalItemSize\nA,1 GB\nTotal,9 GB\n", 2, 10 << 30, None, &[]);
}

//! Exports in every form they were seen in.

#[path = "inventory/command.rs"]
mod command;
#[path = "inventory/doubt.rs"]
mod doubt;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wavetank::population::Population;
use wavetank::population::inventory::{ImportError, Inventory, Warning};
use wavetank::population::preset::{Cohort, Preset};
use wavetank::scenario::plan::PopulationPlan;

/// Reads some bytes as a file.
fn read(bytes: impl AsRef<[u8]>) -> Result<Inventory, ImportError> {
    let folder = TempDir::new().expect("a folder can be made");
    let file = folder.path().join("export.csv");
    fs::write(&file, bytes).expect("the file can be written");
    Inventory::read(&file)
}

/// Checks mailboxes, bytes, items, and the lines that were skipped.
#[track_caller]
fn check(bytes: impl AsRef<[u8]>, mailboxes: usize, size: u64, items: Option<u64>, skipped: &[u64]) -> Inventory {
    let inventory = read(bytes).expect("an inventory");
    assert_eq!(inventory.mailboxes.len(), mailboxes, "{inventory:?}");
    assert_eq!((inventory.bytes(), inventory.items()), (size, items), "{inventory:?}");
    assert_eq!(inventory.skipped.iter().map(|row| row.line).collect::<Vec<_>>(), skipped, "{inventory:?}");
    inventory
}

const USAGE: &str = "Report Refresh Date,User Principal Name,Display Name,Is Deleted,Deleted Date,Created Date,\
                     Last Activity Date,Item Count,Storage Used (Byte),Issue Warning Quota (Byte),\
                     Prohibit Send Quota (Byte),Prohibit Send/Receive Quota (Byte)";

#[test]
fn usage_reports_of_every_width_are_read() {
    let middle = "1,2,3";
    let row = |name: &str, items: &str, size: &str| {
        format!("2024-12-15,{name},\"Name, {name}\",False,,2021-03-15,2024-12-14,{items},{size},{middle}")
    };
    for (more, cells) in [
        (",Report Period", ",30"),
        (",Deleted Item Count,Deleted Item Size (Byte),Report Period", ",5,1024,30"),
        (
            ",Deleted Item Count,Deleted Item Size (Byte),Deleted Item Quota (Byte),Has Archive,Report Period",
            ",5,1024,9,True,30",
        ),
        (
            ",Deleted Item Count,Deleted Item Size (Byte),Deleted Item Quota (Byte),Has Archive,Recipient Type,\
             Report Period",
            ",5,1024,9,True,SharedMailbox,30",
        ),
    ] {
        let text = format!(
            "\u{feff}{USAGE}{more}\r\n{}{cells}\r\n{}{cells}\r\n\r\n",
            row("a@example.test", "10", "1000"),
            row("b@example.test", "", "500")
        );
        let inventory = check(&text, 2, 1_500, Some(10), &[]);
        assert_eq!(inventory.mailboxes[0].organisation.as_deref(), Some("example.test"));
        if more.contains("Archive") {
            assert_eq!(inventory.archives(), Some(2));
        }
        if more.contains("Recipient") {
            assert!(inventory.mailboxes.iter().all(|mailbox| mailbox.kind == Cohort::Shared));
        }
        assert!(inventory.warnings.contains(&Warning::NoItems { rows: 1 }));
    }
}

#[test]
fn deleted_and_system_rows_are_left_out_and_counted() {
    let text = "UPN,Display Name,Is Deleted,Size (Byte),Items\n\
                a@x.test,A,False,100,1\n\
                b@x.test,B,True,200,2\n\
                c@x.test,DiscoverySearchMailbox {D919BA05},no,300,3\n\
                SystemMailbox{1f05a927},S,No,400,4\n";
    let inventory = check(text, 1, 100, Some(1), &[]);
    assert_eq!(inventory.rows, 4);
    assert_eq!(inventory.warnings, [Warning::Deleted { rows: 1 }, Warning::System { rows: 2 }]);
}

#[test]
fn statistics_with_a_type_line_keep_their_line_numbers() {
    let text = "#TYPE Selected.Microsoft.Exchange.Management.MapiTasks.Presentation.MailboxStatistics\r\n\
                \"DisplayName\",\"TotalItemSize\",\"ItemCount\"\r\n\
                \"One\",\"1.2 GB (1,288,490,188 bytes)\",\"16021\"\r\n\
                \"Two\",\"Unlimited\",\"12\"\r\n\
                \"Three\",\"n/a\",\"12\"\r\n\
                \"Four\",\"0 B (0 bytes)\",\"0\"\r\n";
    let inventory = check(text, 2, 1_288_490_188, Some(16_021), &[4, 5]);
    assert!(inventory.skipped[0].reason.contains("Unlimited"), "{:?}", inventory.skipped);
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    for end in ["\n", "\r\n", "\r"] {
        let lines = ["Name,Size", "A,x", "", "\"B", "b\",x", "C,x", "", "", "D,x"];
        for text in [lines.join(end), lines.join(end) + end] {
            check(&text, 0, 0, None, &[2, 4, 6, 9]);
        }
    }
}

#[test]
fn separators_and_encodings_make_no_difference() {
    for (separator, size) in [
        (',', "\"1.2 GB (1,288,490,188 bytes)\""),
        (';', "1,2 GB (1.288.490.188 bytes)"),
        ('\t', "1.2 GB (1 288 490 188 bytes)"),
    ] {
        let text = format!(
            "DisplayName{separator}TotalItemSize{separator}ItemCount\r\nMüller \
             Jörg{separator}{size}{separator}16021\r\n"
        );
        let marked = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
        let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        for bytes in [
            text.clone().into_bytes(),
            marked(b"\xef\xbb\xbf", text.clone().into_bytes()),
            marked(b"\xff\xfe", wide(u16::to_le_bytes)),
            marked(b"\xfe\xff", wide(u16::to_be_bytes)),
        ] {
            let inventory = check(bytes, 1, 1_288_490_188, Some(16_021), &[]);
            assert_eq!(&*inventory.mailboxes[0].name, "Müller Jörg");
            assert_eq!(inventory.warnings, []);
        }
        let latin: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
        let inventory = check(latin, 1, 1_288_490_188, Some(16_021), &[]);
        assert_eq!(&*inventory.mailboxes[0].name, "Müller Jörg");
        assert_eq!(inventory.warnings, [Warning::AssumedEncoding]);
    }
}

#[test]
fn bad_rows_are_skipped_with_their_line_and_reason() {
    let text = "UPN,SizeMB,Type,Items\n\
                a@x.test,not-a-number,UserMailbox,1\n\
                b@x.test,-500,UserMailbox,1\n\
                c@x.test,1,UserMailbox,many\n\
                d@x.test,2,RoomMailbox,5\n\
                ,,,\n\
                ,3,UserMailbox,5\n\
                e@x.test\n\
                f@x.test,1,UserMailbox,5,6\n\
                d@x.test,2,RoomMailbox,5\n";
    let inventory = check(text, 1, 2 << 20, Some(5), &[2, 3, 4, 6, 7, 8, 9, 10]);
    assert_eq!((inventory.rows, inventory.mailboxes[0].kind), (9, Cohort::Room));
    assert!(inventory.warnings.contains(&Warning::RepeatedAddress { rows: 1, line: 10 }));
    assert!(inventory.skipped.iter().all(|row| !row.reason.is_empty()));
}

#[test]
fn the_usage_report_of_2013_gives_the_size_and_not_the_quota() {
    let text = "Date,TenantGuid,TenantName,UserName,WindowsLiveID,MailboxPlan,MailboxSize,CurrentMailboxSize,PercentUsed,IsInactive\n\
                2013-10-01,1,Contoso,A,a@x.test,P,26843545600,1000,1,False\n\
                2013-10-01,1,Contoso,B,b@x.test,P,26843545600,2000,1,True\n";
    let inventory = check(text, 2, 3_000, None, &[]);
    assert_eq!(inventory.mailboxes[1].was_used, Some(false));
    assert_eq!(inventory.mailboxes[0].organisation.as_deref(), Some("Contoso"));
}

#[test]
fn concealed_names_are_noticed() {
    let text = "User Principal Name,Item Count,Storage Used (Byte)\n1F1F9337AAF1681D6CC720367ACD2CA4,71,7571826\n";
    assert_eq!(check(text, 1, 7_571_826, Some(71), &[]).warnings, [Warning::ConcealedNames { rows: 1 }]);
}

#[test]
fn repeated_display_names_are_kept_and_noticed() {
    let text = "DisplayName;TotalItemSize\nSmith;5 MB\nSmith;6 MB\n";
    let inventory = check(text, 2, 11 << 20, None, &[]);
    assert!(inventory.warnings.contains(&Warning::RepeatedName { rows: 1, line: 3 }));
    assert!(inventory.warnings.contains(&Warning::RoundedSizes { rows: 2 }));
}

#[test]
fn folders_are_added_up_by_mailbox() {
    let text = "Identity,ItemsInFolder,FolderSize\n\
                a\\Inbox,5,\"10 KB (10,240 bytes)\"\n\
                a\\Sent Items,6,\"1 KB (1,024 bytes)\"\n\
                b\\Inbox,1,0 B (0 bytes)\n";
    let inventory = check(text, 2, 11_264, Some(12), &[]);
    assert_eq!(inventory.warnings, [Warning::FoldersSummed { rows: 3 }]);
}

#[test]
fn json_is_read_as_an_array_as_an_answer_and_as_lines() {
    let one = r#"{"userPrincipalName": "a@x.test", "isDeleted": false, "itemCount": 3, "storageUsedInBytes": 1000, "hasArchive": true}"#;
    let two = r#"{"userPrincipalName": "b@x.test", "isDeleted": true, "itemCount": 3, "storageUsedInBytes": 5000, "hasArchive": true}"#;
    let odd = r#"{"userPrincipalName": "c@x.test", "itemCount": 3, "storageUsedInBytes": null}"#;
    for text in [
        format!("[{one}, {two}, {odd}]"),
        format!(r#"{{"@odata.context": "x", "value": [{one}, {two}, {odd}]}}"#),
        format!("{one}\n{two}\n{odd}\n"),
    ] {
        let inventory = check(text, 1, 1_000, Some(3), &[3]);
        assert_eq!((inventory.archives(), inventory.rows), (Some(1), 3));
    }
    let text = r#"[{"DisplayName": "A", "ItemCount": 1, "TotalItemSize": "1.66 GB (1,782,579,200 bytes)"},
                   {"DisplayName": "B", "ItemCount": 1,
                    "TotalItemSize": {"IsUnlimited": false, "Value": "1 KB (1,024 bytes)"}},
                   {"DisplayName": "C", "ItemCount": 1, "TotalItemSize": {"IsUnlimited": true, "Value": null}}]"#;
    check(text, 2, 1_782_580_224, Some(2), &[3]);
}

#[test]
fn clixml_is_read_without_its_blobs() {
    let object = |name: &str, unlimited: bool, size: &str| {
        format!(
            r#"<Obj RefId="0"><TN RefId="0"><T>MailboxStatistics</T></TN><ToString>{name}</ToString><Props>
               <S N="DisplayName">{name} &amp; Co</S><U32 N="ItemCount">7</U32><Nil N="LastLogonTime" />
               <Obj N="TotalItemSize" RefId="1"><TN RefId="1"><T>Unlimited</T></TN><ToString>{size}</ToString>
               <Props><B N="IsUnlimited">{unlimited}</B><S N="Value">{size}</S></Props>
               <MS><BA N="SerializationData">AAEAAAD</BA></MS></Obj></Props></Obj>"#
        )
    };
    let text = format!(
        r#"<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">{}{}</Objs>"#,
        object("A", false, "35 MB (36,700,160 bytes)"),
        object("B", true, "Unlimited")
    );
    let wide = [b"\xff\xfe".to_vec(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    let inventory = check(wide, 1, 36_700_160, Some(7), &[2]);
    assert_eq!(&*inventory.mailboxes[0].name, "A & Co");
}

#[test]
fn files_without_mailboxes_are_refused_with_what_they_hold() {
    for (text, found) in [
        ("Report Refresh Date,Under Limit,Warning Issued,Report Period\n2023-01-24,146,0,7\n", "`Under Limit`"),
        ("Report Refresh Date,Storage Used (Byte),Report Period\n2023-01-24,791481624264,7\n", "none of them names"),
        ("EmailAddress,MailboxType\na@x.test,PrimaryOnly\n", "none of them gives the size"),
        ("UPN,Size\n", "no rows"),
        ("<html><body/></html>", "`html`"),
        ("{\"error\": {\"code\": 1}}", "`error`"),
    ] {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains("has no mailbox rows") && error.contains(found), "{error}");
    }
    for text in ["", "\u{feff}", "\n \n"] {
        assert!(matches!(read(text), Err(ImportError::Empty { .. })), "{text:?}");
    }
    assert!(matches!(read("[{\"UPN\": "), Err(ImportError::Malformed { .. })));
    assert!(matches!(Inventory::read(Path::new("no such file")), Err(ImportError::Read { .. })));
}

/// An export drawn from a preset, as a usage report.
fn drawn(preset: &str, mailboxes: u32) -> String {
    let population = Population::new(&plan(preset, Some(mailboxes)), 3).expect("the plan is sound");
    let mut text = "User Principal Name,Storage Used (Byte),Item Count,Has Archive,Recipient Type\n".to_owned();
    for key in population.keys() {
        let mailbox = population.mailbox(key);
        let kind = match mailbox.cohort {
            Cohort::Shared => "SharedMailbox",
            Cohort::Room => "RoomMailbox",
            _ => "UserMailbox",
        };
        let organisation = mailbox.organisation;
        let (bytes, items, archive) = (mailbox.bytes, mailbox.items, mailbox.archive_bytes.is_some());
        writeln!(text, "u{}@o{organisation}.test,{bytes},{items},{archive},{kind}", key.0).expect("strings grow");
    }
    text
}

fn plan(preset: &str, mailboxes: Option<u32>) -> PopulationPlan {
    PopulationPlan {
        preset: preset.to_owned(),
        mailboxes,
        inventory: None,
        fit: false,
        change_factor: 1.0,
        corrupt_factor: 1.0,
        uniform: None,
    }
}

fn with_inventory(text: &str, change: impl Fn(&mut PopulationPlan)) -> (TempDir, PopulationPlan) {
    let folder = TempDir::new().expect("a folder can be made");
    let file = folder.path().join("export.csv");
    fs::write(&file, text).expect("the file can be written");
    let mut plan = PopulationPlan { inventory: Some(file), ..plan("nhs", None) };
    change(&mut plan);
    (folder, plan)
}

#[test]
fn an_inventory_is_a_population_as_it_is() {
    use mock_server::mailbox::content::Content;

    let text = drawn("enterprise", 3_000);
    let (_folder, plan) = with_inventory(&text, |_| {});
    let inventory = Inventory::read(plan.inventory.as_deref().expect("a file")).expect("an inventory");
    let population = Population::new(&plan, 1).expect("the plan is sound");
    let found = population.describe(population.len());
    assert_eq!((found.mailboxes, found.bytes), (3_000, inventory.bytes()));
    assert_eq!((Some(found.items), Some(found.archives)), (inventory.items(), inventory.archives()));
    for key in population.keys().take(200) {
        let mailbox = population.mailbox(key);
        let folders = population.folders(key);
        assert_eq!(folders.iter().map(|folder| folder.bytes).sum::<u64>(), mailbox.bytes);
        assert_eq!(population.find(&population.address(key)), Some(key));
        assert!(population.address(key).contains("@o"));
    }
    let smaller = Population::new(&PopulationPlan { mailboxes: Some(10), ..plan.clone() }, 1).expect("sound");
    assert_eq!(smaller.len(), 10);
    assert!(Population::new(&PopulationPlan { mailboxes: Some(3_001), ..plan }, 1).is_err());
}

#[test]
fn a_fitted_population_resembles_its_inventory_at_any_size() {
    let text = drawn("enterprise", 20_000);
    let (_folder, plan) = with_inventory(&text, |plan| {
        plan.fit = true;
        plan.mailboxes = Some(60_000);
    });
    let (all, fitted) = {
        let enterprise = Population::new(&self::plan("enterprise", Some(20_000)), 3).expect("sound");
        let fitted = Population::new(&plan, 9).expect("the plan is sound");
        (enterprise.describe(20_000), fitted.describe(60_000))
    };
    assert_eq!(fitted.mailboxes, 60_000);
    for n in [0, 1] {
        let ratio = fitted.size_bytes.quantiles[n] / all.size_bytes.quantiles[n];
        assert!((0.9..1.1).contains(&ratio), "{n}: {ratio}");
        let ratio = fitted.item_count.quantiles[n] / all.item_count.quantiles[n];
        assert!((0.9..1.1).contains(&ratio), "{n}: {ratio}");
    }
    let ratio = fitted.archives as f64 / all.archives as f64 / 3.0;
    assert!((0.95..1.05).contains(&ratio), "{ratio}");
}

#[test]
fn small_exports_keep_what_they_cannot_tell_and_say_so() {
    let nhs = Preset::named("nhs").expect("a preset");
    for (mailboxes, fitted) in [(5, 0), (20, 1), (100, 2), (5_000, 5)] {
        let inventory = read(drawn("nhs", mailboxes)).expect("an inventory");
        let fit = inventory.fit(&nhs);
        let sizes =
            ["dormant.share", "dormant.median_bytes", "dormant.ln_sigma", "active.median_bytes", "active.ln_sigma"];
        let found = fit.parameters.iter().filter(|one| sizes.contains(&one.name) && one.standard_error.is_some());
        assert_eq!(found.count(), fitted, "{mailboxes}: {:#?}", fit.parameters);
        assert_eq!(fit.warnings.is_empty(), mailboxes == 5_000, "{:?}", fit.warnings);
        let sum: f64 = fit.preset.cohorts.iter().map(|law| law.share).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    }
}

/// The files of a folder of samples that lies beside the project, or nothing where it is absent.
#[expect(clippy::print_stdout, reason = "a test that does not run must say so")]
fn samples(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/mailbox-stats").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

#[test]
fn samples_with_mailbox_rows_have_their_totals() {
    for (folder, file, mailboxes, bytes, items, skipped) in [
        ("variants", "utf8-bom-crlf.csv", 3, 450_000_000, Some(6_000), vec![]),
        ("variants", "type-line-quoted.csv", 2, 1_288_490_188, Some(16_021), vec![5]),
        ("variants", "semicolon-de.csv", 2, 2 * 1_288_490_188, Some(32_042), vec![]),
        ("variants", "concealed.csv", 1, 7_571_826, Some(71), vec![]),
        ("variants", "bad-values.csv", 1, 50_000 << 20, None, vec![2, 3, 5]),
        ("published", "pnp-report-mailboxusagedetail.csv", 1, 5_719_031, Some(191), vec![]),
    ] {
        let Some(folder) = samples(folder) else { return };
        let bytes_of_file = fs::read(folder.join(file)).expect("the sample can be read");
        check(bytes_of_file, mailboxes, bytes, items, &skipped);
    }
}

#[test]
fn samples_without_mailbox_rows_are_refused() {
    for (folder, file) in [
        ("published", "enron-folder-counts.csv"),
        ("published", "message-size-cdf-freebsd-2002.csv"),
        ("published", "ms-duration-by-mailbox-size.csv"),
        ("published", "ms-duration-by-tenant-size.csv"),
        ("published", "ms-migration-batch.csv"),
        ("published", "ms-move-report-lines.txt"),
        ("published", "pnp-report-mailboxusagequotastatusmailboxcounts.csv"),
        ("published", "pnp-report-mailboxusagestorage.csv"),
        ("variants", "size-strings.csv"),
        (".", "wave-plans.csv"),
        (".", "header-variants.csv"),
        (".", "presets.json"),
    ] {
        let Some(folder) = samples(folder) else { return };
        let error = Inventory::read(&folder.join(file)).expect_err(file);
        assert!(matches!(error, ImportError::NoMailboxes { .. }), "{file}: {error}");
    }
}

/// Every size string of the samples, in a table of its own.
#[test]
fn size_strings_of_the_samples_have_their_bytes() {
    let Some(folder) = samples("variants") else { return };
    let text = fs::read_to_string(folder.join("size-strings.csv")).expect("the sample can be read");
    let mut vectors = csv::Reader::from_reader(text.as_bytes());
    let mut count = 0;
    for record in vectors.records() {
        let record = record.expect("the sample is well-formed");
        let inventory = read(format!("DisplayName,TotalItemSize\nA,\"{}\"\n", &record[0])).expect("an inventory");
        if record[1].is_empty() {
            assert_eq!((inventory.mailboxes.len(), inventory.skipped.len()), (0, 1), "{}", &record[0]);
        } else {
            assert_eq!(inventory.bytes().to_string(), &record[1], "{}", &record[0]);
        }
        count += 1;
    }
    assert_eq!(count, 14);
}

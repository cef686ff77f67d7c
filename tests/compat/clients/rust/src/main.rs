//! rskafka against a broker: `compat BOOTSTRAP PREFIX`. A check prints `ok NAME` or `fail NAME: why`.
use chrono::{TimeZone, Utc};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use std::collections::BTreeMap;
use std::time::Duration;

type Outcome = Result<(), Box<dyn std::error::Error>>;
const FIRST_TIMESTAMP: i64 = 1_700_000_000_000;
const MANY: usize = 100_000;

/// Record i; some keys and values are null.
fn nth(i: usize) -> Record {
    let headers = [("index", i.to_string()), ("empty", String::new())];
    Record {
        key: (i % 7 != 0).then(|| format!("key-{i}").into_bytes()),
        value: (i % 14 != 3).then(|| format!("value-{i}-{}", "x".repeat(i % 97)).into_bytes()),
        headers: BTreeMap::from(headers.map(|(name, value)| (name.to_string(), value.into_bytes()))),
        timestamp: Utc.timestamp_millis_opt(FIRST_TIMESTAMP + i as i64).unwrap(),
    }
}

async fn partition(client: &Client, topic: &str, index: i32) -> Result<PartitionClient, Box<dyn std::error::Error>> {
    Ok(client.partition_client(topic, index, UnknownTopicHandling::Retry).await?)
}

async fn produce(to: &PartitionClient, records: &[Record], compression: Compression) -> Outcome {
    let mut due = 0;
    for chunk in records.chunks(1000) {
        for offset in to.produce(chunk.to_vec(), compression).await? {
            if offset != due {
                return Err(format!("offset {offset} was acknowledged where {due} was due").into());
            }
            due += 1;
        }
    }
    Ok(())
}

async fn verify(from: &PartitionClient, expected: &[Record], start: i64) -> Outcome {
    let mut seen = 0;
    while seen < expected.len() {
        let (records, _) = from.fetch_records(start + seen as i64, 1..12_000_000, 5_000).await?;
        if records.is_empty() {
            return Err(format!("{seen} of {} records came", expected.len()).into());
        }
        for found in records.into_iter().filter(|found| found.offset >= start).take(expected.len() - seen) {
            if found.offset != start + seen as i64 || found.record != expected[seen] {
                return Err(format!("record {seen} differs at offset {}", found.offset).into());
            }
            seen += 1;
        }
    }
    Ok(())
}

async fn codec(client: &Client, topic: &str, compression: Compression) -> Outcome {
    client.controller_client()?.create_topic(topic, 3, 1, 10_000).await?;
    let to = partition(client, topic, 1).await?;
    let records: Vec<Record> = (0..300).map(nth).collect();
    produce(&to, &records, compression).await?;
    verify(&to, &records, 0).await
}

async fn sizes(client: &Client, topic: &str) -> Outcome {
    client.controller_client()?.create_topic(topic, 1, 1, 10_000).await?;
    let to = partition(client, topic, 0).await?;
    let sized = |(i, size): (usize, &usize)| Record { value: Some(vec![b'A' + i as u8; *size]), headers: BTreeMap::new(), ..nth(i) };
    let records: Vec<Record> = [1, 1000, 100_000, 1_000_000].iter().enumerate().map(sized).collect();
    for record in &records {
        to.produce(vec![record.clone()], Compression::NoCompression).await?;
    }
    verify(&to, &records, 0).await
}

async fn refused(client: &Client, topic: &str, size: usize, word: &str) -> Outcome {
    let work = async {
        let to = client.partition_client(topic, 0, UnknownTopicHandling::Error).await?;
        to.produce(vec![Record { value: Some(vec![0; size]), ..nth(1) }], Compression::NoCompression).await
    };
    match tokio::time::timeout(Duration::from_secs(15), work).await? {
        Ok(_) => Err("no error came".into()),
        Err(error) if format!("{error:?}").contains(word) => Ok(()),
        Err(error) => Err(format!("another error came: {error:?}").into()),
    }
}

async fn by_time(to: &PartitionClient) -> Outcome {
    let offset = to.get_offset(OffsetAt::Timestamp(Utc.timestamp_millis_opt(FIRST_TIMESTAMP + 77_777).unwrap())).await?;
    let latest = to.get_offset(OffsetAt::Latest).await?;
    if (offset, latest) == (77_777, MANY as i64) { Ok(()) } else { Err(format!("{offset} {latest}").into()) }
}

async fn exists(client: &Client, topic: &str) -> Result<bool, Box<dyn std::error::Error>> {
    Ok(client.list_topics().await?.iter().any(|found| found.name == topic))
}

fn report(failed: &mut bool, name: &str, outcome: Outcome) {
    match outcome {
        Ok(()) => println!("ok {name}"),
        Err(error) => {
            *failed = true;
            println!("fail {name}: {error}");
        }
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let words: Vec<String> = std::env::args().collect();
    let (bootstrap, prefix) = (words[1].clone(), &words[2]);
    let client = ClientBuilder::new(vec![bootstrap]).max_message_size(60_000_000).build().await?;
    let mut failed = false;
    for (name, compression) in [
        ("none", Compression::NoCompression),
        ("gzip", Compression::Gzip),
        ("snappy", Compression::Snappy),
        ("lz4", Compression::Lz4),
        ("zstd", Compression::Zstd),
    ] {
        let outcome = codec(&client, &format!("{prefix}-codec-{name}"), compression).await;
        report(&mut failed, &format!("codec-{name}"), outcome);
    }
    report(&mut failed, "sizes", sizes(&client, &format!("{prefix}-sizes")).await);
    let topic = format!("{prefix}-many");
    client.controller_client()?.create_topic(&topic, 1, 1, 10_000).await?;
    let to = partition(&client, &topic, 0).await?;
    let many: Vec<Record> = (0..MANY).map(nth).collect();
    let outcome = match produce(&to, &many, Compression::Lz4).await {
        Ok(()) => verify(&to, &many, 0).await,
        error => error,
    };
    report(&mut failed, "many", outcome);
    report(&mut failed, "from-offset", verify(&to, &many[50_000..50_100], 50_000).await);
    report(&mut failed, "by-time", by_time(&to).await);
    let found = client.list_topics().await?.into_iter().find(|found| found.name == format!("{prefix}-codec-none")).map(|found| found.partitions.len());
    report(&mut failed, "metadata", if found == Some(3) { Ok(()) } else { Err(format!("{found:?} partitions").into()) });
    report(&mut failed, "invalid-topic", refused(&client, "bad topic/name", 1, "InvalidTopic").await);
    report(&mut failed, "oversized", refused(&client, &topic, 2_000_000, "MessageTooLarge").await);
    client.controller_client()?.delete_topic(format!("{prefix}-sizes"), 10_000).await?;
    report(&mut failed, "admin-delete", if exists(&client, &format!("{prefix}-sizes")).await? { Err("it is still there".into()) } else { Ok(()) });
    std::process::exit(i32::from(failed));
}

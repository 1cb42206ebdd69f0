// A handler of node-postgres and nothing else, connected when it is imported.
import { randomUUID } from "node:crypto";
import pg from "pg";

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();

export async function handler() {
  const row = [randomUUID(), "first", new Date()];
  await client.query("INSERT INTO notes (id, text, created_at) VALUES ($1, $2, $3)", row);
  return { id: row[0] };
}

// The same with Prisma, which connects at its first query.
import { randomUUID } from "node:crypto";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./client/client.ts";

const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });

export async function handler() {
  return prisma.notes.create({ data: { id: randomUUID(), text: "first", created_at: new Date() } });
}

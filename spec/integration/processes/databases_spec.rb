# frozen_string_literal: true

require "support/kino_processes"
require "support/postgres"

RSpec.describe "processes of an app with a database" do
  include KinoProcesses

  # What the app is connected by is opened before the fork, by a request. Each request writes a row and reads it again,
  # and tells its process, its connection as the database knows it, whether that is the one from before the fork, and
  # what it has read.
  app = <<~'RUBY'
    require "active_record"
    ActiveRecord::Base.establish_connection(eval(File.read("database")))
    ActiveRecord::Schema.verbose = false
    ActiveRecord::Schema.define { create_table(:notes) { |table| table.string :text } }
    class Note < ActiveRecord::Base
      class << self
        attr_accessor :first_connection
      end
    end

    run lambda { |env|
      Note.connection_pool.with_connection do |connection|
        note = Note.create!(text: env["QUERY_STRING"])
        connection.transaction { 3.times { raise "another's" unless Note.find(note.id).text == env["QUERY_STRING"] } }
        postgres = connection.adapter_name == "PostgreSQL"
        Note.first_connection ||= connection.raw_connection
        told = [Process.pid, postgres ? connection.select_value("SELECT pg_backend_pid()") : 0,
                Note.first_connection.equal?(connection.raw_connection), Note.uncached { Note.find(note.id).text }]
        [200, {}, [told.join(" ")]]
      end
    }
  RUBY

  def start_with(database, app, settings = "", **options)
    File.write("#{folder}/database", database.inspect)
    prepare(app, kino: "on_warmup { |app| File.write('warm', app.get('/?warm')) }\n#{settings}")
    process = start_processes(2, **options)
    expect(File.read("#{folder}/warm")).to eq("200")
    process
  end

  # What 200 requests of eight clients at once are told.
  def visit(process)
    told = concurrently(8) { |client| Array.new(25) { |n| ask(process.url, "/?#{client}-#{n}") } }
    expect(told.map { |list| list.map(&:last) }).to eq(Array.new(8) { |client| Array.new(25) { |n| "#{client}-#{n}" } })
    expect(told.flatten(1).map(&:first).uniq).to match_array(serving(process).map(&:to_s))
    expect(told.flatten(1).map { |_, _, is_first| is_first }.uniq).to eq(["false"])
    told.flatten(1)
  end

  it "share no connection to SQLite, without a line of the user's" do
    process = start_with({ adapter: "sqlite3", database: "#{folder}/notes.sqlite3", timeout: 20_000, pool: 5 }, app)
    visit(process)

    expect(process.signal(:TERM).status).to eq(0)
    expect(process.err).to eq("")
  end

  it "share no connection to PostgreSQL, without a line of the user's" do
    missing = Postgres.missing
    skip missing if missing

    Postgres.run do |socket|
      database = { adapter: "postgresql", host: socket, username: "kino", database: "postgres", pool: 5 }
      process = start_with(database, app, env: Postgres::UNBUNDLED)
      connections = visit(process).to_h { |pid, connection| [[pid, connection], true] }.keys

      expect(connections.map(&:last).uniq.size).to eq(connections.size)
      expect(process.signal(:TERM).status).to eq(0)
      expect(process.err).to eq("")
    end
  end

  it "share none with the process that has served and that they are forked from" do
    missing = Postgres.missing
    skip missing if missing

    Postgres.run do |socket|
      database = { adapter: "postgresql", host: socket, username: "kino", database: "postgres", pool: 5 }
      process = start_with(database, app, "refork_after [30, false]\n", env: Postgres::UNBUNDLED)
      eventually("it is done") { ask(process.url, "/?x").last == "x" && process.out.include?("Reforked: 2 processes") }
      connections = visit(process).to_h { |pid, connection| [[pid, connection], true] }.keys

      expect(connections.map(&:last).uniq.size).to eq(connections.size)
      expect(process.signal(:TERM).status).to eq(0)
      expect(process.err).to eq("")
    end
  end
end

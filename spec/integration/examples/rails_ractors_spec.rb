# frozen_string_literal: true

require_relative "../../../examples/rails-ractors/probe/servers"

# What there is to see depends on the Ruby and the Rails that are there; how it is said doesn't.
RSpec.describe "examples/rails-ractors" do
  requests = RactorProbe::Cases::ALL.size

  let(:repairs) { Dir[File.join(Example::CHECKOUT, "examples/rails-ractors/repairs/*.rb")] }

  # What those at hand lack, in words; empty where ractors can serve this app.
  def missing
    process = Example.run("rails-ractors", "-e", "require './requirements'; puts Requirements.missing")
    process.status
    process.out.lines(chomp: true)
  ensure
    process&.kill
  end

  def served(*arguments)
    process = Example.start("rails-ractors", *arguments)
    yield process
  ensure
    process&.kill
  end

  it "is served by threads, whatever Rails is there" do
    served("-m", "threaded") do |process|
      answers = RactorProbe::Servers.answers(process.url)
      expect(RactorProbe::Cases.failed(answers)).to eq([])
      expect(process.get("/where").body).to eq("main")
    end
  end

  it "is served by ractors, answer for answer as by threads, where Rails and Ruby have what that takes" do
    lack = missing
    skip "this Rails isn't served by ractors: #{lack.join("; ")}" unless lack.empty?

    right = served("-m", "threaded") { |process| RactorProbe::Servers.answers(process.url) }
    served("-w", "2") do |process|
      3.times { expect(RactorProbe::Servers.answers(process.url)).to eq(right) }
      expect(Array.new(20) { process.get("/where").body }).to all(match(/\Akino [12]\z/))
      expect(process.signal(:TERM).status).to eq(0)
    end
  end

  it "says what is missing where Rails or Ruby lack something, and serves nothing" do
    lack = missing
    skip "nothing is missing" if lack.empty?

    served do |process|
      expect(process.status).to eq(1)
      expect(process.err).to start_with("kino: the app can't be shared").and include(*lack)
    end
  end

  describe "ractor_probe.rb" do
    # The exit status and the lines that it prints. It boots many servers, which may take minutes.
    def probe(**env)
      process = Example.run("rails-ractors", "ractor_probe.rb", env: env.transform_keys(&:to_s))
      [patiently { process.status }, process.out.lines(chomp: true)]
    ensure
      process&.kill
    end

    def patiently
      tries = 0
      begin
        yield
      rescue RuntimeError
        (tries += 1) < 10 ? retry : raise
      end
    end

    # Lines up to the next empty one.
    def part(title)
      @lines.drop_while { |line| !line.start_with?(title) }.drop(1).take_while { |line| line != "" }
    end

    before(:context) { @status, @lines = probe(PROBE_SECONDS: "1") }

    it "tells versions, what is missing, each blocker, and the verdict that its exit status has" do
      blockers = @lines.grep(/: BLOCKED\z/).size
      good = "SUCCEEDED #{requests} of #{requests} requests, with repairs"

      expect(@lines.first).to eq(RUBY_DESCRIPTION)
      expect(@lines[1]).to match(/\ARails \d+\.\d+.*, Rack \d+\.\d+/)
      expect(part("What it takes").grep(/\A    /).map(&:strip)).to eq(missing)
      expect(@lines.each_cons(2).select { |what,| what.end_with?(": BLOCKED") }).to all(match([/\A  \S/, /\A    \S/]))
      expect([@lines.last, @status]).to eq([good, 0]).or eq(["BLOCKED by #{blockers}", 1])
    end

    it "tries each repair, and says what became of that" do
      told = part(missing.empty? ? "Without one of them" : "Repairs, of which none helps").grep(/\A  \w/)
      names = repairs.map { |file| File.basename(file, ".rb") }

      expect(told.map { |line| line[/\A  (\w+): /, 1] }).to match_array(names)
    end

    it "asks a server in each mode that there is, and counts requests and memory" do
      table = part("Kino in each mode").drop(1)

      expect(table.map { |line| line[/\A  (\d+ \w+)/, 1] }).to include("5 threads", "8 processes")
      expect(table).to all(match(/ #{requests} of #{requests} +/))
    end

    it "ends a step that takes longer than PROBE_DEADLINE, and says so" do
      status, lines = probe(PROBE_DEADLINE: "0", PROBE_SECONDS: "0")

      expect(lines).to include("    no end within 0 s")
      expect([lines.last, status]).to match([/\ABLOCKED by \d+\z/, 1])
    end
  end

  it "has repairs that each name what makes them unnecessary upstream, and do one thing" do
    expect(repairs.size).to be > 15
    expect(repairs.map { |file| File.read(file).scan(/Repairs\.add "(\w+)", upstream: "(?=\S)/).flatten })
      .to eq(repairs.map { |file| [File.basename(file, ".rb")] })
  end
end

# frozen_string_literal: true

require "kino/check"
require "rack"
require "rack/session"
require "sinatra/base"
require "websocket/driver"
require "yaml"
require_relative "../../support/tables"

# Each cell of README's tables: what can be asked is asked here, all else is said by examples that fail where it isn't
# so. A statement that is new has to find them.
RSpec.describe "Tables in README" do
  tables = Tables.of("README.md")
  claims = YAML.load_file(File.join(__dir__, "claims.yml"))

  it "are these" do
    expect(tables.keys).to match_array([*claims.keys, "kino", "From Ruby"])
  end

  # Whether a file has an example, or a group of them, that begins so; where it is none of specs, whether it says so.
  def says?(file, words)
    specs = file.end_with?("_spec.rb")
    text = File.read(File.join(Tables::ROOT, file.start_with?("ext/") ? "" : "spec", file))
    text.match?(/#{"(?:it|describe|context)[( ]\"" if specs}#{Regexp.escape(words)}/)
  end

  claims.each do |heading, said|
    describe "under #{heading}" do
      it "have a statement for each of the claims that are known" do
        expect(tables[heading].map { |cells| cells.first.delete_prefix("**").delete_suffix("**") })
          .to match_array(said.keys.map(&:to_s))
      end

      tables[heading].each do |label, *cells|
        cells.flat_map { |cell| Tables.statements(cell) }.uniq.each do |statement|
          it "say what examples hold to: #{label}: #{statement}" do
            places = said.fetch(label).select { |start, _| statement.start_with?(start) }.values
            expect(places.size).to eq(1)
            wrong = places.first.reject { |place| says?(*place.split(": ", 2)) }
            expect(wrong).to eq([])
          end
        end
      end
    end
  end

  it "say of both modes what runs in each" do
    both = tables["Rack 3.1, by mode"].select { |_, *cells| cells == %w[yes yes] }
    files = both.flat_map { |label,| claims["Rack 3.1, by mode"][label]["yes"] }.map { |place| place.split(": ").first }
    expect(both.size).to be >= 10
    expect(files.uniq).to all(satisfy { |file| File.read(File.join(Tables::ROOT, "spec", file)).include?("each_mode") })
  end

  # What is said to have no place in ractors.
  describe "name middlewares and libraries that" do
    shared = Ractor.make_shareable(nil.instance_exec { ->(_) { [200, {}, ["hello"]] } })
    session = { secret: "of no use to anyone" * 4 }
    parses = nil.instance_exec do
      { "multipart" => ->(env) { [200, {}, [Rack::Request.new(env).params.inspect]] },
        "websocket-driver" => lambda do |env|
          WebSocket::Driver.rack(Struct.new(:env) { def write(_bytes) = true }.new(env)).start
          [200, {}, ["hello"]]
        end }
    end
    { "Files" => -> { Rack::Files.new(".") },
      "Static" => -> { Rack::Static.new(shared, urls: ["/public"]) },
      "MethodOverride" => -> { Rack::MethodOverride.new(shared) },
      "sessions" => -> { Rack::Session::Cookie.new(shared, **session) },
      "Sinatra" => -> { Class.new(Sinatra::Base) { get("/") { "hello" } } },
      **parses.transform_values { |each| -> { each } } }.each do |name, made|
      it "have no place in ractors: #{name}" do
        report = Kino::Check.report(made.call, request: name == "MethodOverride" ? "POST /" : "GET /?a=b")
        expect(report.ractor?).to be(false)
      end
    end
  end

  describe "of defaults" do
    def default(name, **said) = Kino::Configuration.new(**said).public_send(name)

    it "are what there is where nobody says anything" do
      rows = tables["kino"].to_h
      expect(rows.keys).to eq(["address", "mode", "workers", "threads", "processes", "environment", "app",
                               "time to finish what runs when stopping"])
      expect(rows["address"]).to start_with("`#{default(:bind).join}`")
      expect(rows["mode"]).to start_with("`#{default(:mode)}`")
      expect(rows["workers"]).to start_with("#{default(:workers)}; in mode `:ractor` the CPUs")
      expect(default(:workers, mode: :ractor)).to eq(Kino::Configuration.const_get(:Cpus).count)
      expect(rows["threads"]).to start_with("#{default(:threads)} in each worker, in mode `:ractor` " \
                                            "#{default(:threads, mode: :ractor)};")
      expect(rows["processes"]).to start_with("#{default(:processes)};")
      expect(rows["environment"]).to eq("`#{default(:environment)}`")
      expect(rows["app"]).to eq("`#{default(:rackup)}`")
      expect(rows["time to finish what runs when stopping"]).to eq("#{default(:shutdown_timeout)} seconds")
    end
  end

  describe "of stats" do
    rows = tables["From Ruby"].map { |names, said| [names.scan(/`(\w+)`/).flatten, said] }
    sums = rows.to_h.filter_map { |names, said| [names.first, said.scan(/`(\w+)`/).flatten] if said.include?("sum of") }

    it "name each number, and no other" do
      require "kino"
      server = Kino::Server.new(->(_) { [200, {}, []] }, port: 0, quiet: true).start
      named = rows.flat_map(&:first) + sums.flat_map(&:last)
      expect(named.map(&:to_sym)).to match_array(server.stats.keys)
    ensure
      server&.stop
    end

    it "say of three that they are sums of others, as the engine does" do
      source = File.read(File.join(Tables::ROOT, "ext/core/src/stats.rs"))
      sums.each do |sum, parts|
        causes = source.scan(/\(&self\.#{sum}, &self\.(\w+)\)/).flatten
        expect(causes.uniq).to match_array(parts), sum
      end
      expect(sums.size).to eq(3)
    end

    it "call those numbers of now that the control socket does" do
      first = tables["From Ruby"].index(["now", ""])
      gauges = File.read(File.join(Tables::ROOT, "ext/core/src/control/board.rs"))[/const GAUGES: .*?\];/m]
      expect(gauges).to include("EXPIRES")
      expect(rows.drop(first).flat_map(&:first))
        .to match_array([*gauges.scan(/"(\w+)"/).flatten, "tls_certificate_expires"])
    end
  end
end

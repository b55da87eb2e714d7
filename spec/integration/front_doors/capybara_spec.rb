# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "Capybara.server = :kino" do
  include KinoProcess::Helpers

  # What is asked of a server that Capybara boots.
  let(:test) do
    <<~RUBY
      require "net/http"
      server = Capybara::Server.new(->(env) { [200, {}, [env["SERVER_SOFTWARE"]]] }).boot
      puts Net::HTTP.get(URI("http://\#{server.host}:\#{server.port}/"))
    RUBY
  end

  [%w[kino capybara], %w[capybara kino]].each do |libraries|
    it "serves tests, with #{libraries.first} required first" do
      process = start("-w", "-e", "#{libraries.map do |library|
                                       "require '#{library}'\n"
                                     end.join}Capybara.server = :kino\n#{test}",
                      env: { "PORT" => "1", "WEB_CONCURRENCY" => "x" })

      expect([process.status, process.out]).to match([0, %r{\AKino/[\d.]+\n\z}])
      expect(process.err.lines.grep(%r{lib/kino|^kino:})).to eq([])
    end
  end

  it "takes settings, and passes over what other servers take" do
    process = start("-rcapybara", "-rkino", "-e", "Capybara.server = :kino, { Silent: true, threads: 2 }\n#{test}")
    expect([process.status, process.out]).to match([0, %r{\AKino/}])

    process = start("-rcapybara", "-rkino", "-e", "Capybara.server = :kino, { treads: 2 }\n#{test}")
    expect(process.status).to eq(1)
    expect(process.err).to include("treads: there is no such setting; did you mean threads?")
  end

  it "is not mistaken for a class's own constant of that name" do
    process = start("-rkino", "-e", "class Hat; Capybara = :fur; end\np defined?(Capybara), Hat::Capybara")

    expect([process.status, process.out]).to eq([0, "nil\n:fur\n"])
  end

  it "leaves the other servers be" do
    process = start("-rkino", "-rcapybara", "-e", "p Capybara.servers.names.sort, Capybara.servers[:puma].class")

    expect([process.status, process.out]).to eq([0, "[:default, :kino, :puma, :webrick]\nProc\n"])
  end
end

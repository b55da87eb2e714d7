# frozen_string_literal: true

# A part of a path that is escaped is read by CGI with the encoding of a class variable, unless it is told which.
module RouteParams
  def unescapeURIComponent(string, encoding = Encoding::UTF_8) = super # rubocop:disable Naming/MethodName
end

Repairs.add "route_params", upstream: "Ruby 4.1, which lets class variables be read" do |repair|
  repair.before { CGI.singleton_class.prepend(RouteParams) }
end
